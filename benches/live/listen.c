/* What pgfeed listen is compared with: the least that libpq needs to print each notification as a JSON line.
 * It trusts payloads to be JSON, and flushes when nothing more is ready. */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>

int main(int argc, char **argv) {
    PGconn *conn = PQconnectdb(argc > 1 ? argv[1] : "");
    if (PQstatus(conn) != CONNECTION_OK) {
        fputs(PQerrorMessage(conn), stderr);
        return 1;
    }
    PQclear(PQexec(conn, "LISTEN bench"));
    fputs("ready\n", stderr);
    for (;;) {
        struct pollfd ready = {.fd = PQsocket(conn), .events = POLLIN};
        poll(&ready, 1, -1);
        if (!PQconsumeInput(conn)) return 1;
        struct timeval now;
        gettimeofday(&now, NULL);
        struct tm utc;
        gmtime_r(&now.tv_sec, &utc);
        char at[32];
        strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%S", &utc);
        for (PGnotify *n; (n = PQnotifies(conn)) != NULL; PQfreemem(n)) {
            printf("{\"type\":\"notification\",\"channel\":\"%s\",\"pid\":%d,\"at\":\"%s.%06ldZ\",\"payload\":%s}\n",
                   n->relname, n->be_pid, at, (long)now.tv_usec, n->extra);
        }
        fflush(stdout);
    }
}
