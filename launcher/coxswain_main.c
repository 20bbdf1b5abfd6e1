#include <fcntl.h>
#include <stdio.h>

#include "base/slice.h"
#include "launcher/commands.h"

static int command_version(int argc, char **argv)
{
    puts("coxswain " COXSWAIN_VERSION " (Kubernetes API v1.37)");
    return 0;
}

static int command_help(int argc, char **argv);

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"up", command_up, "start a cluster, or say that it runs already"},
    {"down", command_down, "stop it; its data stays"},
    {"status", command_status, "show its parts"},
    {"version", command_version, "show the version"},
    {"help", command_help, "show this text; `coxswain COMMAND --help` shows a command's flags"},
};

static int command_help(int argc, char **argv)
{
    puts("Coxswain is a Kubernetes-compatible control plane.\n\nUsage:\n  coxswain COMMAND "
         "[flags]\n\nCommands:");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        printf("  %-8s %s\n", commands[i].name, commands[i].help);
    return 0;
}

static int run_command(const char *name, int argc, char **argv)
{
    if (!strcmp(name, "--help") || !strcmp(name, "-h"))
        name = "help";
    if (!strcmp(name, "--version"))
        name = "version";
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (!strcmp(commands[i].name, name))
            return commands[i].run(argc, argv);
    }
    fprintf(stderr, "coxswain: there is no command \"%s\", see `coxswain help`\n", name);
    return 2;
}

int main(int argc, char **argv)
{
    /* Started without them, files would get the numbers of stdin, stdout and stderr. */
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            return 1;
    }
    if (argc < 2) {
        command_help(0, NULL);
        return 2;
    }
    return run_command(argv[1], argc - 1, argv + 1);
}
