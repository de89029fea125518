/* The yardstick for intake: how fast can libpq alone write the rows that intake wrote?
 *
 *   libpq_baseline SOURCE TARGET MAILS TABLE...
 *
 * Reads every row of the tables (in the order of their foreign keys) from the database SOURCE into memory, then writes
 * them into the empty tables of TARGET: binary parameters, one prepared insert for each table, in pipelines of 100 mails
 * and one transaction for each, with all constraints and indexes in force. A table with k rows for each mail gives k x 100
 * rows to each pipeline; one with fewer rows than a tenth of the mails goes whole into the first.
 * Prints one JSON object: rows, bytes, seconds and processor seconds of the writing alone.
 *
 *   cc -O2 -I/usr/include/postgresql -o libpq_baseline libpq_baseline.c -lpq
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { MAILS_IN_PIPELINE = 100, MAX_TABLES = 32, MAX_COLUMNS = 64 };

struct table {
    const char *name;
    PGresult *rows;
    char statement[32];
    Oid types[MAX_COLUMNS];
    int columns, count, written;
};

static void die(const char *what, PGconn *connection) {
    fprintf(stderr, "libpq_baseline: %s: %s", what, connection ? PQerrorMessage(connection) : "\n");
    exit(1);
}

static PGconn *open_database(const char *url) {
    PGconn *connection = PQconnectdb(url);
    if (PQstatus(connection) != CONNECTION_OK) die("connect", connection);
    return connection;
}

static PGresult *run(PGconn *connection, const char *sql, int binary) {
    PGresult *result = PQexecParams(connection, sql, 0, NULL, NULL, NULL, NULL, binary);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) die(sql, connection);
    return result;
}

/* Comma-separated names of the columns that may be written. */
static void describe(PGconn *connection, const char *table, char *columns, size_t size) {
    char sql[1024];
    snprintf(sql, sizeof sql,
        "select string_agg(quote_ident(column_name), ', ' order by ordinal_position) from information_schema.columns "
        "where table_schema = 'public' and table_name = '%s' and is_generated = 'NEVER'", table);
    PGresult *result = run(connection, sql, 0);
    if (PQgetisnull(result, 0, 0)) {
        fprintf(stderr, "libpq_baseline: no table %s\n", table);
        exit(1);
    }
    snprintf(columns, size, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
}

static void load(PGconn *source, struct table *table, char *insert, size_t size) {
    char columns[4096], sql[16384];
    describe(source, table->name, columns, sizeof columns);
    /* In the order of the mails, so that no row comes before the one it refers to: ids are handed out in that order,
     * and customers are stored sorted by address batch by batch. */
    snprintf(sql, sizeof sql,
        "select name from unnest(array['id', 'message_id', 'ticket_id', 'ctid']) with ordinality as wanted (name, place) "
        "where exists (select from pg_attribute where attrelid = '%s'::regclass and attname = name) "
        "order by place limit 1", table->name);
    char order_column[64];
    PGresult *found = run(source, sql, 0);
    snprintf(order_column, sizeof order_column, "%s", PQgetvalue(found, 0, 0));
    PQclear(found);
    const char *order = order_column;
    if (!strcmp(table->name, "customer")) order = "(select min(t.id) from ticket t where t.customer_id = customer.id)";
    snprintf(sql, sizeof sql, "select %s from %s order by %s", columns, table->name, order);
    table->rows = run(source, sql, 1);
    table->count = PQntuples(table->rows);
    table->columns = PQnfields(table->rows);
    if (table->columns > MAX_COLUMNS) die("too many columns", NULL);
    size_t used = (size_t)snprintf(
        insert, size, "insert into %s (%s) overriding system value values (", table->name, columns);
    for (int column = 0; column < table->columns; column++) {
        table->types[column] = PQftype(table->rows, column);
        used += (size_t)snprintf(insert + used, size - used, "%s$%d", column ? ", " : "", column + 1);
    }
    snprintf(insert + used, size - used, ")");
}

static long long send_row(PGconn *target, struct table *table, int row) {
    const char *values[MAX_COLUMNS];
    int lengths[MAX_COLUMNS], formats[MAX_COLUMNS];
    long long bytes = 0;
    for (int column = 0; column < table->columns; column++) {
        int is_null = PQgetisnull(table->rows, row, column);
        values[column] = is_null ? NULL : PQgetvalue(table->rows, row, column);
        lengths[column] = is_null ? 0 : PQgetlength(table->rows, row, column);
        formats[column] = 1;
        bytes += lengths[column];
    }
    if (!PQsendQueryPrepared(target, table->statement, table->columns, values, lengths, formats, 1))
        die(table->name, target);
    return bytes;
}

/* Takes the results of one pipeline. The requests fit the socket's buffers or are read while they are sent: libpq reads
 * when it cannot write. */
static void finish_pipeline(PGconn *target) {
    if (!PQpipelineSync(target)) die("sync", target);
    for (;;) {
        PGresult *result = PQgetResult(target);
        if (!result) continue;
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_FATAL_ERROR) die("insert", target);
        PQclear(result);
        if (status == PGRES_PIPELINE_SYNC) return;
    }
}

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
    if (count < 5 || count - 4 > MAX_TABLES) {
        fprintf(stderr, "usage: libpq_baseline SOURCE TARGET MAILS TABLE...\n");
        return 2;
    }
    PGconn *source = open_database(arguments[1]), *target = open_database(arguments[2]);
    int mails = atoi(arguments[3]), tables = count - 4;
    if (mails < 1) die("MAILS must be positive", NULL);
    static struct table list[MAX_TABLES];
    static char insert[65536];
    for (int i = 0; i < tables; i++) {
        list[i].name = arguments[i + 4];
        snprintf(list[i].statement, sizeof list[i].statement, "insert_%d", i);
        load(source, &list[i], insert, sizeof insert);
        PGresult *result = PQprepare(target, list[i].statement, insert, list[i].columns, list[i].types);
        if (PQresultStatus(result) != PGRES_COMMAND_OK) die(insert, target);
        PQclear(result);
    }
    PQfinish(source);

    long long rows = 0, bytes = 0;
    int pipelines = (mails + MAILS_IN_PIPELINE - 1) / MAILS_IN_PIPELINE;
    if (!PQenterPipelineMode(target)) die("pipeline", target);
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int pipeline = 1; pipeline <= pipelines; pipeline++) {
        if (!PQsendQueryParams(target, "begin", 0, NULL, NULL, NULL, NULL, 0)) die("begin", target);
        for (int i = 0; i < tables; i++) {
            struct table *table = &list[i];
            int whole = table->count < mails / 10 || pipeline == pipelines;
            int until = whole ? table->count : (int)((long long)table->count * pipeline / pipelines);
            for (; table->written < until; table->written++, rows++) bytes += send_row(target, table, table->written);
        }
        if (!PQsendQueryParams(target, "commit", 0, NULL, NULL, NULL, NULL, 0)) die("commit", target);
        finish_pipeline(target);
    }
    printf("{\"mails\": %d, \"rows\": %lld, \"bytes\": %lld, \"seconds\": %.4f, \"cpu_seconds\": %.4f}\n", mails, rows,
        bytes, seconds(CLOCK_MONOTONIC) - wall, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    PQfinish(target);
    return 0;
}
