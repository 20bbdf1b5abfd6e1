/* The commands of `coxswain`, each with argv from its own name on; the result is the exit code. */
#ifndef LAUNCHER_COMMANDS_H
#define LAUNCHER_COMMANDS_H

int command_up(int argc, char **argv);
int command_down(int argc, char **argv);
int command_status(int argc, char **argv);

#endif
