# Makes a private directory, and once nobody needs it any more ends the server in it and removes it: when the other end
# of the pipe on stdin is closed, be it by exit, panic or kill -9. Every line on the pipe is the process to end then, or `none`.
# $1: the directory. $2: how many seconds a fast shutdown may take. $3: `again` if the directory is there already.

# Whoever signals everybody at once (a service manager) ends our owner too, and then the pipe tells us. PIPE: an owner that is
# gone before it heard of the directory.
trap '' HUP INT TERM PIPE

# Made here, and not before, so that there is no moment at which it could be left behind.
if [ "$3" != again ]; then
    mkdir -m 700 -- "$1" 2>&1 || exit 1
fi
echo made
exec >/dev/null 2>&1

pid=none
while read -r line; do pid=$line; done

alive() {
    kill -0 "$1" || return 1
    # A zombie is dead: whoever should look at it, we do not wait for that.
    if [ -r "/proc/$1/stat" ]; then
        read -r state <"/proc/$1/stat" || return 1
    else
        state=$(ps -o stat= -p "$1")
    fi
    case $state in
        *') Z '* | Z*) return 1 ;;
    esac
}

# Sends signal $1 and waits for at most $2 seconds.
end() {
    kill -s "$1" "$pid"
    left=$(($2 * 50))
    while alive "$pid"; do
        [ "$left" -gt 0 ] || return 1
        left=$((left - 1))
        sleep 0.02
    done
}

if [ "$pid" != none ]; then
    # A test may have left processes stopped, and what is stopped cannot end. Without pgrep they end with the KILL below.
    for stopped in "$pid" $(pgrep -P "$pid"); do
        kill -s CONT "$stopped"
    done
    # INT is a fast shutdown and QUIT an immediate one; after QUIT the server itself kills what is left after 5 s.
    end INT "$2" || end QUIT 10 || end KILL 5
fi

# A copy of the template that was under way goes on for a moment after us, and adds files while we remove them.
tries=100
until rm -rf -- "$1"; do
    [ "$tries" -gt 0 ] || exit 1
    tries=$((tries - 1))
    sleep 0.05
done
