# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_pgfeed_global_optspecs
    string join \n q/quiet v/verbose color= ?/help d/dbname= h/host= p/port= U/username= connect-timeout= wait-server= V/version
end

function __fish_pgfeed_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_pgfeed_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_pgfeed_using_subcommand
    set -l cmd (__fish_pgfeed_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c pgfeed -n "__fish_pgfeed_needs_command" -l color -d 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too' -r -f -a "auto\t'On a terminal'
always\t''
never\t''"
complete -c pgfeed -n "__fish_pgfeed_needs_command" -s d -l dbname -d 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE' -r
complete -c pgfeed -n "__fish_pgfeed_needs_command" -s h -l host -d 'Server\'s host, or the directory of its socket; else PGHOST, then the local socket' -r
complete -c pgfeed -n "__fish_pgfeed_needs_command" -s p -l port -d 'Server\'s port; else PGPORT, then 5432' -r
complete -c pgfeed -n "__fish_pgfeed_needs_command" -s U -l username -d 'Role to connect as; else PGUSER, then your own name' -r
complete -c pgfeed -n "__fish_pgfeed_needs_command" -l connect-timeout -d 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]' -r
complete -c pgfeed -n "__fish_pgfeed_needs_command" -l wait-server -d 'At start, keep trying a server that is not there yet for this long' -r
complete -c pgfeed -n "__fish_pgfeed_needs_command" -s q -l quiet -d 'Only data and errors'
complete -c pgfeed -n "__fish_pgfeed_needs_command" -s v -l verbose -d 'More on stderr; twice for the text of every SQL statement'
complete -c pgfeed -n "__fish_pgfeed_needs_command" -s ? -l help -d 'Print help (so does a -h that is not followed by a host)'
complete -c pgfeed -n "__fish_pgfeed_needs_command" -s V -l version -d 'Print version'
complete -c pgfeed -n "__fish_pgfeed_needs_command" -f -a "install-trigger" -d 'Install or update triggers that feed a table\'s changes'
complete -c pgfeed -n "__fish_pgfeed_needs_command" -f -a "uninstall-trigger" -d 'Remove what install-trigger created'
complete -c pgfeed -n "__fish_pgfeed_needs_command" -f -a "listen" -d 'Print or forward notifications from channels'
complete -c pgfeed -n "__fish_pgfeed_needs_command" -f -a "notify" -d 'Send notifications, or enqueue durable events'
complete -c pgfeed -n "__fish_pgfeed_needs_command" -f -a "tail-queue" -d 'Look at, or deliver, the events of a durable queue'
complete -c pgfeed -n "__fish_pgfeed_needs_command" -f -a "serve" -d 'Fan a feed out to browsers over WebSocket and SSE'
complete -c pgfeed -n "__fish_pgfeed_needs_command" -f -a "bench" -d 'Measure what LISTEN/NOTIFY and the queue cost on this server'
complete -c pgfeed -n "__fish_pgfeed_needs_command" -f -a "status" -d 'Show triggers, queues, consumers and the notification queue'
complete -c pgfeed -n "__fish_pgfeed_needs_command" -f -a "doctor" -d 'Check that LISTEN/NOTIFY and the queue work on this connection, and why not'
complete -c pgfeed -n "__fish_pgfeed_needs_command" -f -a "demo" -d 'Start a throwaway PostgreSQL with a live example'
complete -c pgfeed -n "__fish_pgfeed_needs_command" -f -a "completions" -d 'Print the completions of a shell'
complete -c pgfeed -n "__fish_pgfeed_needs_command" -f -a "man" -d 'Print a manual page'
complete -c pgfeed -n "__fish_pgfeed_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l table -d 'Table to watch, written as in SQL: [SCHEMA.]NAME, found by your search_path' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l channel -d 'Live: notify this channel [default, without --queue: the table\'s name]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l queue -d 'Durable: store changes in this queue, made on first use; with an explicit --channel, both' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l events -d 'Changes to tell' -r -f -a "insert\t''
update\t''
delete\t''
truncate\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l payload -d 'What a change tells of the row: its key; new values (old ones of a deleted row); new and old; new, and the previous ones of the columns that changed' -r -f -a "keys\t'The key alone'
row\t'New values (old ones of a deleted row)'
full\t'New and old values'
diff\t'New values, and the previous ones of the columns that changed'"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l columns -d 'Only these columns in the payload (the key is always in "key"); a name with a comma in double quotes, as in SQL' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l exclude -d 'All columns but these in the payload' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l update-of -d 'Only updates that change one of these columns, or the key' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l when -d 'SQL condition over NEW and OLD; events that lack what it names must be left out with --events. A change for which it fails is stored (durable), or not told (live), with a warning' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l doorbell -d 'Durable: ring for consumers when one sleeps, always (for other programs that LISTEN), or never (they poll)' -r -f -a "adaptive\t''
always\t''
never\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l schema -d 'Schema of pgfeed\'s own objects' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l lock-timeout -d 'Do not wait longer than this for a table that others hold' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -s o -l output -d 'Form of the plan and the result' -r -f -a "text\t''
json\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l color -d 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too' -r -f -a "auto\t'On a terminal'
always\t''
never\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -s d -l dbname -d 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -s h -l host -d 'Server\'s host, or the directory of its socket; else PGHOST, then the local socket' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -s p -l port -d 'Server\'s port; else PGPORT, then 5432' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -s U -l username -d 'Role to connect as; else PGUSER, then your own name' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l connect-timeout -d 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l wait-server -d 'At start, keep trying a server that is not there yet for this long' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l skip-unchanged -d 'Skip updates that change none of the published columns, nor the key'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l enable-always -d 'Fire for replicated changes too'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l backfill -d 'Durable: also store the rows that are there already, as SNAPSHOT events, in chunks, while writers go on; only those that satisfy --when, whatever --events and --update-of say of changes. The table needs a primary key, and to be yours'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l check -d 'Change nothing; exit 4 when the installation differs from what is asked'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l force -d 'Replace a trigger or function of that name that is not pgfeed\'s; with --queue, also fill a queue whose schema or tables belong to another role, which could run code with the rights of the table\'s owner'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l dry-run -d 'Show what would be done, change nothing'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -l print-sql -d 'Print the SQL to stdout (a migration), change nothing'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -s q -l quiet -d 'Only data and errors'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -s v -l verbose -d 'More on stderr; twice for the text of every SQL statement'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -s ? -l help -d 'Print help (so does a -h that is not followed by a host)'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand install-trigger" -s V -l version -d 'Print version'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -l table -d 'Table to watch, written as in SQL: [SCHEMA.]NAME, found by your search_path' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -l channel -d 'Only the installation that notifies this channel' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -l queue -d 'With a table: only what feeds this queue. Without: every trigger that feeds it, then the queue itself' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -l schema -d 'Schema of pgfeed\'s own objects' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -l lock-timeout -d 'Do not wait longer than this for a table that others hold' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -s o -l output -d 'Form of the plan and the result' -r -f -a "text\t''
json\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -l color -d 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too' -r -f -a "auto\t'On a terminal'
always\t''
never\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -s d -l dbname -d 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -s h -l host -d 'Server\'s host, or the directory of its socket; else PGHOST, then the local socket' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -s p -l port -d 'Server\'s port; else PGPORT, then 5432' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -s U -l username -d 'Role to connect as; else PGUSER, then your own name' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -l connect-timeout -d 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -l wait-server -d 'At start, keep trying a server that is not there yet for this long' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -l purge -d 'Drop the queue even if it holds events'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -l all -d 'Every trigger of pgfeed\'s in this database'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -l dry-run -d 'Show what would be done, change nothing'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -l print-sql -d 'Print the SQL to stdout (a migration), change nothing'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -s q -l quiet -d 'Only data and errors'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -s v -l verbose -d 'More on stderr; twice for the text of every SQL statement'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -s ? -l help -d 'Print help (so does a -h that is not followed by a host)'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand uninstall-trigger" -s V -l version -d 'Print version'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -s o -l output -d 'Form of the output: pretty is for people, raw the payload alone; auto is pretty on a terminal and json elsewhere' -r -f -a "auto\t'pretty on a terminal, json elsewhere'
pretty\t'For people: colours, and control characters escaped'
json\t'One JSON object a line'
raw\t'The payload and a newline'"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -l ready-file -d 'Create FILE when the feed is live (one of an earlier run is removed at start); systemd is told READY=1 too' -r -F
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -s n -l count -d 'Exit after N events' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -s t -l timeout -d 'Exit after this long (exit code 124 when --count was not reached)' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -l idle-timeout -d 'Exit when nothing arrived for this long (exit code 124 when --count was not reached)' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -l to -d 'Deliver to SINK, a URL such as file:PATH; its parameters are query parameters. `--to help` lists what there is' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -l to-file -d 'The same, with the URL read from FILE, so that no password stands in the list of processes' -r -F
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -l exec-mode -d 'How many events a process gets: each one, a batch, or (stream) all of them. When a batch from a queue is refused, its halves are tried, until only what is at fault is refused. A stream from a queue answers every event on its stdout: its id alone takes it, its id and a reason refuses it' -r -f -a "each\t'One'
batch\t'What is there'
stream\t'All of them, for as long as it lives'"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -l exec-timeout -d 'Longest time for an event (mode batch: for a batch), then COMMAND is ended and has refused it; 0 is without limit' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -l on-error -d 'What to do about a notification that is refused: stop exits 1; skip tells and goes on' -r -f -a "stop\t'Exit 1'
skip\t'Tell, and go on'"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -l reconnect -d 'Whether to come back after a lost connection; never exits 3' -r -f -a "always\t'Try again for as long as it takes'
never\t'Exit 3'"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -l heartbeat -d 'Ask a silent server this often whether it is still there; 0 never asks' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -l gap-fd -d 'Write a line to this open file descriptor at every gap' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -l buffer -d 'Bytes held for a slow reader' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -l overflow -d 'What to do when that is full: stop delivers what was received, then exits 1; drop counts, tells and goes on' -r -f -a "drop\t'Count what does not fit, and tell'
stop\t'Deliver what was received, then exit 1'"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -l color -d 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too' -r -f -a "auto\t'On a terminal'
always\t''
never\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -s d -l dbname -d 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -s h -l host -d 'Server\'s host, or the directory of its socket; else PGHOST, then the local socket' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -s p -l port -d 'Server\'s port; else PGPORT, then 5432' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -s U -l username -d 'Role to connect as; else PGUSER, then your own name' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -l connect-timeout -d 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -l wait-server -d 'At start, keep trying a server that is not there yet for this long' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -s 0 -l null -d 'End events with NUL instead of a newline'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -l control -d 'Also emit control records (ready, lost, gap, overflow, stopped) in json output'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -s q -l quiet -d 'Only data and errors'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -s v -l verbose -d 'More on stderr; twice for the text of every SQL statement'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -s ? -l help -d 'Print help (so does a -h that is not followed by a host)'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand listen" -s V -l version -d 'Print version'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -l queue -d 'Store a durable event in this queue instead' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -l batch -d 'Payloads in a transaction, at most, and about 8 MB of them [default: 1, with -l and -0 1000]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -l schema -d 'Schema of pgfeed\'s own objects' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -s o -l output -d 'Print a summary to stdout' -r -f -a "text\t''
json\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -l color -d 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too' -r -f -a "auto\t'On a terminal'
always\t''
never\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -s d -l dbname -d 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -s h -l host -d 'Server\'s host, or the directory of its socket; else PGHOST, then the local socket' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -s p -l port -d 'Server\'s port; else PGPORT, then 5432' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -s U -l username -d 'Role to connect as; else PGUSER, then your own name' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -l connect-timeout -d 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -l wait-server -d 'At start, keep trying a server that is not there yet for this long' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -l create -d 'Make the queue if there is none'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -s l -l lines -d 'Send a notification, or an event, for every line of stdin'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -s 0 -l null -d 'The same for every NUL-terminated record of stdin'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -l json -d 'Refuse a payload that is not valid JSON'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -s q -l quiet -d 'Only data and errors'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -s v -l verbose -d 'More on stderr; twice for the text of every SQL statement'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -s ? -l help -d 'Print help (so does a -h that is not followed by a host)'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand notify" -s V -l version -d 'Print version'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -s o -l output -d 'Form of the output: pretty is for people, raw the payload alone; auto is pretty on a terminal and json elsewhere' -r -f -a "auto\t'pretty on a terminal, json elsewhere'
pretty\t'For people: colours, and control characters escaped'
json\t'One JSON object a line'
raw\t'The payload and a newline'"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l ready-file -d 'Create FILE when the feed is live (one of an earlier run is removed at start); systemd is told READY=1 too' -r -F
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -s t -l timeout -d 'Exit after this long (exit code 124 when --count was not reached)' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l idle-timeout -d 'Exit when nothing arrived for this long (exit code 124 when --count was not reached)' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l to -d 'Deliver to SINK, a URL such as file:PATH; its parameters are query parameters. `--to help` lists what there is' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l to-file -d 'The same, with the URL read from FILE, so that no password stands in the list of processes' -r -F
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l exec-mode -d 'How many events a process gets: each one, a batch, or (stream) all of them. When a batch from a queue is refused, its halves are tried, until only what is at fault is refused. A stream from a queue answers every event on its stdout: its id alone takes it, its id and a reason refuses it' -r -f -a "each\t'One'
batch\t'What is there'
stream\t'All of them, for as long as it lives'"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l exec-timeout -d 'Longest time for an event (mode batch: for a batch), then COMMAND is ended and has refused it; 0 is without limit' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l on-error -d 'What to do with an event that is refused' -r -f -a "stop\t'Try it again later, and stop here: exit 1'
retry\t'Try it again later, as often as --max-attempts allows'
dead\t'It is dead at once'"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -s j -l jobs -d 'Workers, each with a connection of its own' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l batch -d 'Events in a transaction, at most [default: 1000, and 1 with a process per event]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l batch-bytes -d 'Bytes of payload in a transaction, about at most' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l poll -d 'Look this often even if nobody rings' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l max-attempts -d 'Attempts before an event is dead' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l backoff -d 'Longest delay before the second attempt, of which half to all is waited; doubled each time, at most 10 minutes' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l id -d 'Only the dead events with these ids' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l schema -d 'Schema of pgfeed\'s own objects' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -s n -l count -d 'Exit after N events. Only those that were delivered (or shown) count, not those that were refused or are dead' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l color -d 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too' -r -f -a "auto\t'On a terminal'
always\t''
never\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -s d -l dbname -d 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -s h -l host -d 'Server\'s host, or the directory of its socket; else PGHOST, then the local socket' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -s p -l port -d 'Server\'s port; else PGPORT, then 5432' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -s U -l username -d 'Role to connect as; else PGUSER, then your own name' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l connect-timeout -d 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l wait-server -d 'At start, keep trying a server that is not there yet for this long' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -s 0 -l null -d 'End events with NUL instead of a newline'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l control -d 'Also emit control records (ready, lost, gap, overflow, stopped) in json output'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l at-most-once -d 'Allow sinks that acknowledge nothing: what they lose is lost'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l consume -d 'Take what is printed'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -s e -l exit-on-empty -d 'Exit 0 when nothing is left but dead events'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l unordered -d 'Give up the order of a row\'s events, so that any worker can take any event'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l dead -d 'Show dead events'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l requeue -d 'Put dead events back, under their ids, as new arrivals'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -l purge -d 'Delete dead events'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -s q -l quiet -d 'Only data and errors'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -s v -l verbose -d 'More on stderr; twice for the text of every SQL statement'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -s ? -l help -d 'Print help (so does a -h that is not followed by a host)'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand tail-queue" -s V -l version -d 'Print version'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -l queue -d 'Show the events of this queue instead, and take none' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -l schema -d 'Schema of pgfeed\'s own objects' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -l bind -d 'Address and port to listen at; port 0 takes a free one' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -l token-file -d 'File with the token that clients must know; needed unless --bind is an address of this machine only' -r -F
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -l origin -d 'Pages of these origins may use this server too, which answers to their host names; such as https://app.example.com' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -l publish-to -d 'Let clients send: a message becomes a row of TABLE, whose trigger tells everybody' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -l clients -d 'Most clients at a time' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -l heartbeat -d 'Ask a silent server, and silent clients, this often whether they are still there; 0 never asks' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -l color -d 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too' -r -f -a "auto\t'On a terminal'
always\t''
never\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -s d -l dbname -d 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -s h -l host -d 'Server\'s host, or the directory of its socket; else PGHOST, then the local socket' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -s p -l port -d 'Server\'s port; else PGPORT, then 5432' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -s U -l username -d 'Role to connect as; else PGUSER, then your own name' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -l connect-timeout -d 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -l wait-server -d 'At start, keep trying a server that is not there yet for this long' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -l publish -d 'Let clients send: a message becomes a notification on their channel, or with --queue an event'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -s q -l quiet -d 'Only data and errors'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -s v -l verbose -d 'More on stderr; twice for the text of every SQL statement'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -s ? -l help -d 'Print help (so does a -h that is not followed by a host)'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand serve" -s V -l version -d 'Print version'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -s c -l clients -d 'Connections that write or send; a list measures each [default: 1; commit: 1,2,4,8,16,32]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -l listeners -d 'Connections that listen, or consumers of the queue; a list measures each [default: 1; fanout: 1,10,50; serve: 100]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -s s -l size -d 'Bytes of payload' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -s n -l count -d 'End after N messages, transactions or rows' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -s T -l time -d 'End after this long' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -s R -l rate -d 'So many a second, all clients together, however the server keeps up: latency is counted from the moment that was planned; 0 is as fast as it goes' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -l to -d 'queue: deliver the backlog to this sink, too, beside its client library alone; sync: deliver through this RabbitMQ, too (`tail-queue --to help` lists sinks)' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -l to-file -d 'The same, with the URL read from FILE, so that no password stands in the list of processes' -r -F
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -l warmup -d 'How long to run before anything counts' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -l runs -d 'Repeat everything, in turns, and report median and spread' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -l flush-delay -d 'Simulate a slower disk: wait so long in front of every flush (commit_delay; for superusers)' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -s o -l output -d 'Form of the report on stdout' -r -f -a "text\t'For people'
json\t'One JSON object for each scenario'
csv\t'One line for each row'
markdown\t'A table'"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -l export -d 'Also write the report to FILE, in the form of its ending (.txt .json .csv .md)' -r -F
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -l compare -d 'Show the difference to an earlier report in JSON' -r -F
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -l fail-if -d 'Exit with 4 when this holds for any row: p99>5ms, rate<10k, lost>0, ratio<0.8, compared<0.9' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -l color -d 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too' -r -f -a "auto\t'On a terminal'
always\t''
never\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -s d -l dbname -d 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -s h -l host -d 'Server\'s host, or the directory of its socket; else PGHOST, then the local socket' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -s p -l port -d 'Server\'s port; else PGPORT, then 5432' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -s U -l username -d 'Role to connect as; else PGUSER, then your own name' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -l connect-timeout -d 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -l wait-server -d 'At start, keep trying a server that is not there yet for this long' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -l throwaway -d 'Measure on a throwaway server of this machine, with fsync and synchronous_commit on'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -s q -l quiet -d 'Only data and errors'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -s v -l verbose -d 'More on stderr; twice for the text of every SQL statement'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -s ? -l help -d 'Print help (so does a -h that is not followed by a host)'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand bench" -s V -l version -d 'Print version'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand status" -s o -l output -d 'Form of the report' -r -f -a "text\t''
json\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand status" -s w -l watch -d 'Look again, every DUR [default with no DUR: 2s]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand status" -l schema -d 'Schema of pgfeed\'s own objects' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand status" -l color -d 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too' -r -f -a "auto\t'On a terminal'
always\t''
never\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand status" -s d -l dbname -d 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand status" -s h -l host -d 'Server\'s host, or the directory of its socket; else PGHOST, then the local socket' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand status" -s p -l port -d 'Server\'s port; else PGPORT, then 5432' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand status" -s U -l username -d 'Role to connect as; else PGUSER, then your own name' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand status" -l connect-timeout -d 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand status" -l wait-server -d 'At start, keep trying a server that is not there yet for this long' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand status" -s q -l quiet -d 'Only data and errors'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand status" -s v -l verbose -d 'More on stderr; twice for the text of every SQL statement'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand status" -s ? -l help -d 'Print help (so does a -h that is not followed by a host)'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand status" -s V -l version -d 'Print version'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand doctor" -s o -l output -d 'Form of the report' -r -f -a "text\t''
json\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand doctor" -l schema -d 'Schema of pgfeed\'s own objects' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand doctor" -l color -d 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too' -r -f -a "auto\t'On a terminal'
always\t''
never\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand doctor" -s d -l dbname -d 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand doctor" -s h -l host -d 'Server\'s host, or the directory of its socket; else PGHOST, then the local socket' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand doctor" -s p -l port -d 'Server\'s port; else PGPORT, then 5432' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand doctor" -s U -l username -d 'Role to connect as; else PGUSER, then your own name' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand doctor" -l connect-timeout -d 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand doctor" -l wait-server -d 'At start, keep trying a server that is not there yet for this long' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand doctor" -s q -l quiet -d 'Only data and errors'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand doctor" -s v -l verbose -d 'More on stderr; twice for the text of every SQL statement'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand doctor" -s ? -l help -d 'Print help (so does a -h that is not followed by a host)'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand doctor" -s V -l version -d 'Print version'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand demo" -s n -l count -d 'Exit after N changes (not with a COMMAND)' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand demo" -l rate -d 'Changes a second' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand demo" -l keep -d 'Keep the server\'s data in DIR, which must not exist or be empty' -r -F
complete -c pgfeed -n "__fish_pgfeed_using_subcommand demo" -l pg-bin -d 'Where initdb and postgres are, when they are not found by themselves' -r -F
complete -c pgfeed -n "__fish_pgfeed_using_subcommand demo" -l color -d 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too' -r -f -a "auto\t'On a terminal'
always\t''
never\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand demo" -s d -l dbname -d 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand demo" -s h -l host -d 'Server\'s host, or the directory of its socket; else PGHOST, then the local socket' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand demo" -s p -l port -d 'Server\'s port; else PGPORT, then 5432' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand demo" -s U -l username -d 'Role to connect as; else PGUSER, then your own name' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand demo" -l connect-timeout -d 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand demo" -l wait-server -d 'At start, keep trying a server that is not there yet for this long' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand demo" -l no-writes -d 'Only the server, the shop and its triggers: change nothing'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand demo" -s q -l quiet -d 'Only data and errors'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand demo" -s v -l verbose -d 'More on stderr; twice for the text of every SQL statement'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand demo" -s ? -l help -d 'Print help (so does a -h that is not followed by a host)'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand demo" -s V -l version -d 'Print version'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand completions" -l color -d 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too' -r -f -a "auto\t'On a terminal'
always\t''
never\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand completions" -s d -l dbname -d 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand completions" -s h -l host -d 'Server\'s host, or the directory of its socket; else PGHOST, then the local socket' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand completions" -s p -l port -d 'Server\'s port; else PGPORT, then 5432' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand completions" -s U -l username -d 'Role to connect as; else PGUSER, then your own name' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand completions" -l connect-timeout -d 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand completions" -l wait-server -d 'At start, keep trying a server that is not there yet for this long' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand completions" -s q -l quiet -d 'Only data and errors'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand completions" -s v -l verbose -d 'More on stderr; twice for the text of every SQL statement'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand completions" -s ? -l help -d 'Print help (so does a -h that is not followed by a host)'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand completions" -s V -l version -d 'Print version'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand man" -l dir -d 'Write every page into DIR instead' -r -F
complete -c pgfeed -n "__fish_pgfeed_using_subcommand man" -l color -d 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too' -r -f -a "auto\t'On a terminal'
always\t''
never\t''"
complete -c pgfeed -n "__fish_pgfeed_using_subcommand man" -s d -l dbname -d 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand man" -s h -l host -d 'Server\'s host, or the directory of its socket; else PGHOST, then the local socket' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand man" -s p -l port -d 'Server\'s port; else PGPORT, then 5432' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand man" -s U -l username -d 'Role to connect as; else PGUSER, then your own name' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand man" -l connect-timeout -d 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand man" -l wait-server -d 'At start, keep trying a server that is not there yet for this long' -r
complete -c pgfeed -n "__fish_pgfeed_using_subcommand man" -s q -l quiet -d 'Only data and errors'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand man" -s v -l verbose -d 'More on stderr; twice for the text of every SQL statement'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand man" -s ? -l help -d 'Print help (so does a -h that is not followed by a host)'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand man" -s V -l version -d 'Print version'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand help; and not __fish_seen_subcommand_from install-trigger uninstall-trigger listen notify tail-queue serve bench status doctor demo completions man help" -f -a "install-trigger" -d 'Install or update triggers that feed a table\'s changes'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand help; and not __fish_seen_subcommand_from install-trigger uninstall-trigger listen notify tail-queue serve bench status doctor demo completions man help" -f -a "uninstall-trigger" -d 'Remove what install-trigger created'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand help; and not __fish_seen_subcommand_from install-trigger uninstall-trigger listen notify tail-queue serve bench status doctor demo completions man help" -f -a "listen" -d 'Print or forward notifications from channels'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand help; and not __fish_seen_subcommand_from install-trigger uninstall-trigger listen notify tail-queue serve bench status doctor demo completions man help" -f -a "notify" -d 'Send notifications, or enqueue durable events'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand help; and not __fish_seen_subcommand_from install-trigger uninstall-trigger listen notify tail-queue serve bench status doctor demo completions man help" -f -a "tail-queue" -d 'Look at, or deliver, the events of a durable queue'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand help; and not __fish_seen_subcommand_from install-trigger uninstall-trigger listen notify tail-queue serve bench status doctor demo completions man help" -f -a "serve" -d 'Fan a feed out to browsers over WebSocket and SSE'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand help; and not __fish_seen_subcommand_from install-trigger uninstall-trigger listen notify tail-queue serve bench status doctor demo completions man help" -f -a "bench" -d 'Measure what LISTEN/NOTIFY and the queue cost on this server'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand help; and not __fish_seen_subcommand_from install-trigger uninstall-trigger listen notify tail-queue serve bench status doctor demo completions man help" -f -a "status" -d 'Show triggers, queues, consumers and the notification queue'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand help; and not __fish_seen_subcommand_from install-trigger uninstall-trigger listen notify tail-queue serve bench status doctor demo completions man help" -f -a "doctor" -d 'Check that LISTEN/NOTIFY and the queue work on this connection, and why not'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand help; and not __fish_seen_subcommand_from install-trigger uninstall-trigger listen notify tail-queue serve bench status doctor demo completions man help" -f -a "demo" -d 'Start a throwaway PostgreSQL with a live example'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand help; and not __fish_seen_subcommand_from install-trigger uninstall-trigger listen notify tail-queue serve bench status doctor demo completions man help" -f -a "completions" -d 'Print the completions of a shell'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand help; and not __fish_seen_subcommand_from install-trigger uninstall-trigger listen notify tail-queue serve bench status doctor demo completions man help" -f -a "man" -d 'Print a manual page'
complete -c pgfeed -n "__fish_pgfeed_using_subcommand help; and not __fish_seen_subcommand_from install-trigger uninstall-trigger listen notify tail-queue serve bench status doctor demo completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
