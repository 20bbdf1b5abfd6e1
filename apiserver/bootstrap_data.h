/* bootstrap_data: the text of bootstrap.json. */
#ifndef APISERVER_BOOTSTRAP_DATA_H
#define APISERVER_BOOTSTRAP_DATA_H

extern const char bootstrap_json[], bootstrap_json_end[];

#endif
