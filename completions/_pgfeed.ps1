
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'pgfeed' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'pgfeed'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'pgfeed' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('--dbname', '--dbname', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('-U', '-U ', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]')
            [CompletionResult]::new('--wait-server', '--wait-server', [CompletionResultType]::ParameterName, 'At start, keep trying a server that is not there yet for this long')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('-?', '-?', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('install-trigger', 'install-trigger', [CompletionResultType]::ParameterValue, 'Install or update triggers that feed a table''s changes')
            [CompletionResult]::new('uninstall-trigger', 'uninstall-trigger', [CompletionResultType]::ParameterValue, 'Remove what install-trigger created')
            [CompletionResult]::new('listen', 'listen', [CompletionResultType]::ParameterValue, 'Print or forward notifications from channels')
            [CompletionResult]::new('notify', 'notify', [CompletionResultType]::ParameterValue, 'Send notifications, or enqueue durable events')
            [CompletionResult]::new('tail-queue', 'tail-queue', [CompletionResultType]::ParameterValue, 'Look at, or deliver, the events of a durable queue')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Fan a feed out to browsers over WebSocket and SSE')
            [CompletionResult]::new('bench', 'bench', [CompletionResultType]::ParameterValue, 'Measure what LISTEN/NOTIFY and the queue cost on this server')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show triggers, queues, consumers and the notification queue')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check that LISTEN/NOTIFY and the queue work on this connection, and why not')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Start a throwaway PostgreSQL with a live example')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completions of a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print a manual page')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pgfeed;install-trigger' {
            [CompletionResult]::new('--table', '--table', [CompletionResultType]::ParameterName, 'Table to watch, written as in SQL: [SCHEMA.]NAME, found by your search_path')
            [CompletionResult]::new('--channel', '--channel', [CompletionResultType]::ParameterName, 'Live: notify this channel [default, without --queue: the table''s name]')
            [CompletionResult]::new('--queue', '--queue', [CompletionResultType]::ParameterName, 'Durable: store changes in this queue, made on first use; with an explicit --channel, both')
            [CompletionResult]::new('--events', '--events', [CompletionResultType]::ParameterName, 'Changes to tell')
            [CompletionResult]::new('--payload', '--payload', [CompletionResultType]::ParameterName, 'What a change tells of the row: its key; new values (old ones of a deleted row); new and old; new, and the previous ones of the columns that changed')
            [CompletionResult]::new('--columns', '--columns', [CompletionResultType]::ParameterName, 'Only these columns in the payload (the key is always in "key"); a name with a comma in double quotes, as in SQL')
            [CompletionResult]::new('--exclude', '--exclude', [CompletionResultType]::ParameterName, 'All columns but these in the payload')
            [CompletionResult]::new('--update-of', '--update-of', [CompletionResultType]::ParameterName, 'Only updates that change one of these columns, or the key')
            [CompletionResult]::new('--when', '--when', [CompletionResultType]::ParameterName, 'SQL condition over NEW and OLD; events that lack what it names must be left out with --events. A change for which it fails is stored (durable), or not told (live), with a warning')
            [CompletionResult]::new('--doorbell', '--doorbell', [CompletionResultType]::ParameterName, 'Durable: ring for consumers when one sleeps, always (for other programs that LISTEN), or never (they poll)')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'Schema of pgfeed''s own objects')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'Do not wait longer than this for a table that others hold')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the plan and the result')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the plan and the result')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('--dbname', '--dbname', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('-U', '-U ', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]')
            [CompletionResult]::new('--wait-server', '--wait-server', [CompletionResultType]::ParameterName, 'At start, keep trying a server that is not there yet for this long')
            [CompletionResult]::new('--skip-unchanged', '--skip-unchanged', [CompletionResultType]::ParameterName, 'Skip updates that change none of the published columns, nor the key')
            [CompletionResult]::new('--enable-always', '--enable-always', [CompletionResultType]::ParameterName, 'Fire for replicated changes too')
            [CompletionResult]::new('--backfill', '--backfill', [CompletionResultType]::ParameterName, 'Durable: also store the rows that are there already, as SNAPSHOT events, in chunks, while writers go on; only those that satisfy --when, whatever --events and --update-of say of changes. The table needs a primary key, and to be yours')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Change nothing; exit 4 when the installation differs from what is asked')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace a trigger or function of that name that is not pgfeed''s; with --queue, also fill a queue whose schema or tables belong to another role, which could run code with the rights of the table''s owner')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be done, change nothing')
            [CompletionResult]::new('--print-sql', '--print-sql', [CompletionResultType]::ParameterName, 'Print the SQL to stdout (a migration), change nothing')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('-?', '-?', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'pgfeed;uninstall-trigger' {
            [CompletionResult]::new('--table', '--table', [CompletionResultType]::ParameterName, 'Table to watch, written as in SQL: [SCHEMA.]NAME, found by your search_path')
            [CompletionResult]::new('--channel', '--channel', [CompletionResultType]::ParameterName, 'Only the installation that notifies this channel')
            [CompletionResult]::new('--queue', '--queue', [CompletionResultType]::ParameterName, 'With a table: only what feeds this queue. Without: every trigger that feeds it, then the queue itself')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'Schema of pgfeed''s own objects')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'Do not wait longer than this for a table that others hold')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the plan and the result')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the plan and the result')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('--dbname', '--dbname', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('-U', '-U ', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]')
            [CompletionResult]::new('--wait-server', '--wait-server', [CompletionResultType]::ParameterName, 'At start, keep trying a server that is not there yet for this long')
            [CompletionResult]::new('--purge', '--purge', [CompletionResultType]::ParameterName, 'Drop the queue even if it holds events')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Every trigger of pgfeed''s in this database')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be done, change nothing')
            [CompletionResult]::new('--print-sql', '--print-sql', [CompletionResultType]::ParameterName, 'Print the SQL to stdout (a migration), change nothing')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('-?', '-?', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'pgfeed;listen' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the output: pretty is for people, raw the payload alone; auto is pretty on a terminal and json elsewhere')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the output: pretty is for people, raw the payload alone; auto is pretty on a terminal and json elsewhere')
            [CompletionResult]::new('--ready-file', '--ready-file', [CompletionResultType]::ParameterName, 'Create FILE when the feed is live (one of an earlier run is removed at start); systemd is told READY=1 too')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Exit after N events')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Exit after N events')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Exit after this long (exit code 124 when --count was not reached)')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Exit after this long (exit code 124 when --count was not reached)')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Exit when nothing arrived for this long (exit code 124 when --count was not reached)')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Deliver to SINK, a URL such as file:PATH; its parameters are query parameters. `--to help` lists what there is')
            [CompletionResult]::new('--to-file', '--to-file', [CompletionResultType]::ParameterName, 'The same, with the URL read from FILE, so that no password stands in the list of processes')
            [CompletionResult]::new('--exec-mode', '--exec-mode', [CompletionResultType]::ParameterName, 'How many events a process gets: each one, a batch, or (stream) all of them. When a batch from a queue is refused, its halves are tried, until only what is at fault is refused. A stream from a queue answers every event on its stdout: its id alone takes it, its id and a reason refuses it')
            [CompletionResult]::new('--exec-timeout', '--exec-timeout', [CompletionResultType]::ParameterName, 'Longest time for an event (mode batch: for a batch), then COMMAND is ended and has refused it; 0 is without limit')
            [CompletionResult]::new('--on-error', '--on-error', [CompletionResultType]::ParameterName, 'What to do about a notification that is refused: stop exits 1; skip tells and goes on')
            [CompletionResult]::new('--reconnect', '--reconnect', [CompletionResultType]::ParameterName, 'Whether to come back after a lost connection; never exits 3')
            [CompletionResult]::new('--heartbeat', '--heartbeat', [CompletionResultType]::ParameterName, 'Ask a silent server this often whether it is still there; 0 never asks')
            [CompletionResult]::new('--gap-fd', '--gap-fd', [CompletionResultType]::ParameterName, 'Write a line to this open file descriptor at every gap')
            [CompletionResult]::new('--buffer', '--buffer', [CompletionResultType]::ParameterName, 'Bytes held for a slow reader')
            [CompletionResult]::new('--overflow', '--overflow', [CompletionResultType]::ParameterName, 'What to do when that is full: stop delivers what was received, then exits 1; drop counts, tells and goes on')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('--dbname', '--dbname', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('-U', '-U ', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]')
            [CompletionResult]::new('--wait-server', '--wait-server', [CompletionResultType]::ParameterName, 'At start, keep trying a server that is not there yet for this long')
            [CompletionResult]::new('-0', '-0', [CompletionResultType]::ParameterName, 'End events with NUL instead of a newline')
            [CompletionResult]::new('--null', '--null', [CompletionResultType]::ParameterName, 'End events with NUL instead of a newline')
            [CompletionResult]::new('--control', '--control', [CompletionResultType]::ParameterName, 'Also emit control records (ready, lost, gap, overflow, stopped) in json output')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('-?', '-?', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'pgfeed;notify' {
            [CompletionResult]::new('--queue', '--queue', [CompletionResultType]::ParameterName, 'Store a durable event in this queue instead')
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'Payloads in a transaction, at most, and about 8 MB of them [default: 1, with -l and -0 1000]')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'Schema of pgfeed''s own objects')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print a summary to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print a summary to stdout')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('--dbname', '--dbname', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('-U', '-U ', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]')
            [CompletionResult]::new('--wait-server', '--wait-server', [CompletionResultType]::ParameterName, 'At start, keep trying a server that is not there yet for this long')
            [CompletionResult]::new('--create', '--create', [CompletionResultType]::ParameterName, 'Make the queue if there is none')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Send a notification, or an event, for every line of stdin')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Send a notification, or an event, for every line of stdin')
            [CompletionResult]::new('-0', '-0', [CompletionResultType]::ParameterName, 'The same for every NUL-terminated record of stdin')
            [CompletionResult]::new('--null', '--null', [CompletionResultType]::ParameterName, 'The same for every NUL-terminated record of stdin')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Refuse a payload that is not valid JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('-?', '-?', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'pgfeed;tail-queue' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the output: pretty is for people, raw the payload alone; auto is pretty on a terminal and json elsewhere')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the output: pretty is for people, raw the payload alone; auto is pretty on a terminal and json elsewhere')
            [CompletionResult]::new('--ready-file', '--ready-file', [CompletionResultType]::ParameterName, 'Create FILE when the feed is live (one of an earlier run is removed at start); systemd is told READY=1 too')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Exit after this long (exit code 124 when --count was not reached)')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Exit after this long (exit code 124 when --count was not reached)')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Exit when nothing arrived for this long (exit code 124 when --count was not reached)')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Deliver to SINK, a URL such as file:PATH; its parameters are query parameters. `--to help` lists what there is')
            [CompletionResult]::new('--to-file', '--to-file', [CompletionResultType]::ParameterName, 'The same, with the URL read from FILE, so that no password stands in the list of processes')
            [CompletionResult]::new('--exec-mode', '--exec-mode', [CompletionResultType]::ParameterName, 'How many events a process gets: each one, a batch, or (stream) all of them. When a batch from a queue is refused, its halves are tried, until only what is at fault is refused. A stream from a queue answers every event on its stdout: its id alone takes it, its id and a reason refuses it')
            [CompletionResult]::new('--exec-timeout', '--exec-timeout', [CompletionResultType]::ParameterName, 'Longest time for an event (mode batch: for a batch), then COMMAND is ended and has refused it; 0 is without limit')
            [CompletionResult]::new('--on-error', '--on-error', [CompletionResultType]::ParameterName, 'What to do with an event that is refused')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'Workers, each with a connection of its own')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'Workers, each with a connection of its own')
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'Events in a transaction, at most [default: 1000, and 1 with a process per event]')
            [CompletionResult]::new('--batch-bytes', '--batch-bytes', [CompletionResultType]::ParameterName, 'Bytes of payload in a transaction, about at most')
            [CompletionResult]::new('--poll', '--poll', [CompletionResultType]::ParameterName, 'Look this often even if nobody rings')
            [CompletionResult]::new('--max-attempts', '--max-attempts', [CompletionResultType]::ParameterName, 'Attempts before an event is dead')
            [CompletionResult]::new('--backoff', '--backoff', [CompletionResultType]::ParameterName, 'Longest delay before the second attempt, of which half to all is waited; doubled each time, at most 10 minutes')
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'Only the dead events with these ids')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'Schema of pgfeed''s own objects')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Exit after N events. Only those that were delivered (or shown) count, not those that were refused or are dead')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Exit after N events. Only those that were delivered (or shown) count, not those that were refused or are dead')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('--dbname', '--dbname', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('-U', '-U ', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]')
            [CompletionResult]::new('--wait-server', '--wait-server', [CompletionResultType]::ParameterName, 'At start, keep trying a server that is not there yet for this long')
            [CompletionResult]::new('-0', '-0', [CompletionResultType]::ParameterName, 'End events with NUL instead of a newline')
            [CompletionResult]::new('--null', '--null', [CompletionResultType]::ParameterName, 'End events with NUL instead of a newline')
            [CompletionResult]::new('--control', '--control', [CompletionResultType]::ParameterName, 'Also emit control records (ready, lost, gap, overflow, stopped) in json output')
            [CompletionResult]::new('--at-most-once', '--at-most-once', [CompletionResultType]::ParameterName, 'Allow sinks that acknowledge nothing: what they lose is lost')
            [CompletionResult]::new('--consume', '--consume', [CompletionResultType]::ParameterName, 'Take what is printed')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Exit 0 when nothing is left but dead events')
            [CompletionResult]::new('--exit-on-empty', '--exit-on-empty', [CompletionResultType]::ParameterName, 'Exit 0 when nothing is left but dead events')
            [CompletionResult]::new('--unordered', '--unordered', [CompletionResultType]::ParameterName, 'Give up the order of a row''s events, so that any worker can take any event')
            [CompletionResult]::new('--dead', '--dead', [CompletionResultType]::ParameterName, 'Show dead events')
            [CompletionResult]::new('--requeue', '--requeue', [CompletionResultType]::ParameterName, 'Put dead events back, under their ids, as new arrivals')
            [CompletionResult]::new('--purge', '--purge', [CompletionResultType]::ParameterName, 'Delete dead events')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('-?', '-?', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'pgfeed;serve' {
            [CompletionResult]::new('--queue', '--queue', [CompletionResultType]::ParameterName, 'Show the events of this queue instead, and take none')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'Schema of pgfeed''s own objects')
            [CompletionResult]::new('--bind', '--bind', [CompletionResultType]::ParameterName, 'Address and port to listen at; port 0 takes a free one')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'File with the token that clients must know; needed unless --bind is an address of this machine only')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'Pages of these origins may use this server too, which answers to their host names; such as https://app.example.com')
            [CompletionResult]::new('--publish-to', '--publish-to', [CompletionResultType]::ParameterName, 'Let clients send: a message becomes a row of TABLE, whose trigger tells everybody')
            [CompletionResult]::new('--clients', '--clients', [CompletionResultType]::ParameterName, 'Most clients at a time')
            [CompletionResult]::new('--heartbeat', '--heartbeat', [CompletionResultType]::ParameterName, 'Ask a silent server, and silent clients, this often whether they are still there; 0 never asks')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('--dbname', '--dbname', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('-U', '-U ', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]')
            [CompletionResult]::new('--wait-server', '--wait-server', [CompletionResultType]::ParameterName, 'At start, keep trying a server that is not there yet for this long')
            [CompletionResult]::new('--publish', '--publish', [CompletionResultType]::ParameterName, 'Let clients send: a message becomes a notification on their channel, or with --queue an event')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('-?', '-?', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'pgfeed;bench' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Connections that write or send; a list measures each [default: 1; commit: 1,2,4,8,16,32]')
            [CompletionResult]::new('--clients', '--clients', [CompletionResultType]::ParameterName, 'Connections that write or send; a list measures each [default: 1; commit: 1,2,4,8,16,32]')
            [CompletionResult]::new('--listeners', '--listeners', [CompletionResultType]::ParameterName, 'Connections that listen, or consumers of the queue; a list measures each [default: 1; fanout: 1,10,50; serve: 100]')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Bytes of payload')
            [CompletionResult]::new('--size', '--size', [CompletionResultType]::ParameterName, 'Bytes of payload')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'End after N messages, transactions or rows')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'End after N messages, transactions or rows')
            [CompletionResult]::new('-T', '-T ', [CompletionResultType]::ParameterName, 'End after this long')
            [CompletionResult]::new('--time', '--time', [CompletionResultType]::ParameterName, 'End after this long')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'So many a second, all clients together, however the server keeps up: latency is counted from the moment that was planned; 0 is as fast as it goes')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'So many a second, all clients together, however the server keeps up: latency is counted from the moment that was planned; 0 is as fast as it goes')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'queue: deliver the backlog to this sink, too, beside its client library alone; sync: deliver through this RabbitMQ, too (`tail-queue --to help` lists sinks)')
            [CompletionResult]::new('--to-file', '--to-file', [CompletionResultType]::ParameterName, 'The same, with the URL read from FILE, so that no password stands in the list of processes')
            [CompletionResult]::new('--warmup', '--warmup', [CompletionResultType]::ParameterName, 'How long to run before anything counts')
            [CompletionResult]::new('--runs', '--runs', [CompletionResultType]::ParameterName, 'Repeat everything, in turns, and report median and spread')
            [CompletionResult]::new('--flush-delay', '--flush-delay', [CompletionResultType]::ParameterName, 'Simulate a slower disk: wait so long in front of every flush (commit_delay; for superusers)')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the report on stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the report on stdout')
            [CompletionResult]::new('--export', '--export', [CompletionResultType]::ParameterName, 'Also write the report to FILE, in the form of its ending (.txt .json .csv .md)')
            [CompletionResult]::new('--compare', '--compare', [CompletionResultType]::ParameterName, 'Show the difference to an earlier report in JSON')
            [CompletionResult]::new('--fail-if', '--fail-if', [CompletionResultType]::ParameterName, 'Exit with 4 when this holds for any row: p99>5ms, rate<10k, lost>0, ratio<0.8, compared<0.9')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('--dbname', '--dbname', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('-U', '-U ', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]')
            [CompletionResult]::new('--wait-server', '--wait-server', [CompletionResultType]::ParameterName, 'At start, keep trying a server that is not there yet for this long')
            [CompletionResult]::new('--throwaway', '--throwaway', [CompletionResultType]::ParameterName, 'Measure on a throwaway server of this machine, with fsync and synchronous_commit on')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('-?', '-?', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'pgfeed;status' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the report')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the report')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Look again, every DUR [default with no DUR: 2s]')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Look again, every DUR [default with no DUR: 2s]')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'Schema of pgfeed''s own objects')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('--dbname', '--dbname', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('-U', '-U ', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]')
            [CompletionResult]::new('--wait-server', '--wait-server', [CompletionResultType]::ParameterName, 'At start, keep trying a server that is not there yet for this long')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('-?', '-?', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'pgfeed;doctor' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the report')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the report')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'Schema of pgfeed''s own objects')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('--dbname', '--dbname', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('-U', '-U ', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]')
            [CompletionResult]::new('--wait-server', '--wait-server', [CompletionResultType]::ParameterName, 'At start, keep trying a server that is not there yet for this long')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('-?', '-?', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'pgfeed;demo' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Exit after N changes (not with a COMMAND)')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Exit after N changes (not with a COMMAND)')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Changes a second')
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Keep the server''s data in DIR, which must not exist or be empty')
            [CompletionResult]::new('--pg-bin', '--pg-bin', [CompletionResultType]::ParameterName, 'Where initdb and postgres are, when they are not found by themselves')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('--dbname', '--dbname', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('-U', '-U ', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]')
            [CompletionResult]::new('--wait-server', '--wait-server', [CompletionResultType]::ParameterName, 'At start, keep trying a server that is not there yet for this long')
            [CompletionResult]::new('--no-writes', '--no-writes', [CompletionResultType]::ParameterName, 'Only the server, the shop and its triggers: change nothing')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('-?', '-?', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'pgfeed;completions' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('--dbname', '--dbname', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('-U', '-U ', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]')
            [CompletionResult]::new('--wait-server', '--wait-server', [CompletionResultType]::ParameterName, 'At start, keep trying a server that is not there yet for this long')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('-?', '-?', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'pgfeed;man' {
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'Write every page into DIR instead')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('--dbname', '--dbname', [CompletionResultType]::ParameterName, 'Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Server''s host, or the directory of its socket; else PGHOST, then the local socket')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Server''s port; else PGPORT, then 5432')
            [CompletionResult]::new('-U', '-U ', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'Role to connect as; else PGUSER, then your own name')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]')
            [CompletionResult]::new('--wait-server', '--wait-server', [CompletionResultType]::ParameterName, 'At start, keep trying a server that is not there yet for this long')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only data and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More on stderr; twice for the text of every SQL statement')
            [CompletionResult]::new('-?', '-?', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (so does a -h that is not followed by a host)')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'pgfeed;help' {
            [CompletionResult]::new('install-trigger', 'install-trigger', [CompletionResultType]::ParameterValue, 'Install or update triggers that feed a table''s changes')
            [CompletionResult]::new('uninstall-trigger', 'uninstall-trigger', [CompletionResultType]::ParameterValue, 'Remove what install-trigger created')
            [CompletionResult]::new('listen', 'listen', [CompletionResultType]::ParameterValue, 'Print or forward notifications from channels')
            [CompletionResult]::new('notify', 'notify', [CompletionResultType]::ParameterValue, 'Send notifications, or enqueue durable events')
            [CompletionResult]::new('tail-queue', 'tail-queue', [CompletionResultType]::ParameterValue, 'Look at, or deliver, the events of a durable queue')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Fan a feed out to browsers over WebSocket and SSE')
            [CompletionResult]::new('bench', 'bench', [CompletionResultType]::ParameterValue, 'Measure what LISTEN/NOTIFY and the queue cost on this server')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show triggers, queues, consumers and the notification queue')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check that LISTEN/NOTIFY and the queue work on this connection, and why not')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Start a throwaway PostgreSQL with a live example')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completions of a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print a manual page')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pgfeed;help;install-trigger' {
            break
        }
        'pgfeed;help;uninstall-trigger' {
            break
        }
        'pgfeed;help;listen' {
            break
        }
        'pgfeed;help;notify' {
            break
        }
        'pgfeed;help;tail-queue' {
            break
        }
        'pgfeed;help;serve' {
            break
        }
        'pgfeed;help;bench' {
            break
        }
        'pgfeed;help;status' {
            break
        }
        'pgfeed;help;doctor' {
            break
        }
        'pgfeed;help;demo' {
            break
        }
        'pgfeed;help;completions' {
            break
        }
        'pgfeed;help;man' {
            break
        }
        'pgfeed;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
