// SQLite, which keeps the journal and the checkpoints.
#include <sqlite3.h>

// Has sqlite3_close leave the write-ahead log as it is. (Swift can't call functions with variable arguments.)
static inline int fibd_sqlite_keep_log(sqlite3 *database) {
    return sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
}
