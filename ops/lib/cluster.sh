# A small cluster of real processes for ops/quickstart and ops/soak. Sourced after common.sh.
#
# Every child runs in a session of its own, so that Ctrl-C reaches only the script, which then ends them in order; and it
# is told to end by the kernel should the script itself be killed.

control_url=http://127.0.0.1:5070
edge_shift=100
place=          # folder of this run: database, state, logs
children=()     # "name pid", in the order they were started

start_child() { # NAME COMMAND...
    local name=$1
    shift
    setsid setpriv --pdeathsig TERM -- "$@" </dev/null >"$place/$name.log" 2>&1 &
    children+=("$name $!")
}

child_pid() { # NAME
    local child
    for child in "${children[@]}"; do [ "${child% *}" = "$1" ] && { say "${child##* }"; return; }; done
}

stop_child() { # PID SECONDS
    kill -TERM "$1" 2>/dev/null || return 0
    local tenth
    for ((tenth = 0; tenth < $2 * 10; tenth++)); do
        kill -0 "$1" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$1" 2>/dev/null || :
}

stop_cluster() {
    local index child
    for ((index = ${#children[@]} - 1; index >= 0; index--)); do
        child=${children[index]}
        stop_child "${child##* }" 8
        wait "${child##* }" 2>/dev/null || :
    done
    children=()
}

# Fails with the end of a log when a child has died.
check_children() {
    local child
    for child in "${children[@]}"; do
        kill -0 "${child##* }" 2>/dev/null && continue
        say "--- last lines of ${child% *}:" >&2
        tail -n 15 "$place/${child% *}.log" >&2
        fail "${child% *} ended; all logs are in $place"
    done
}

note_ended_children() {
    local child running=()
    for child in "${children[@]}"; do
        if kill -0 "${child##* }" 2>/dev/null; then running+=("$child"); else say "${child% *} has ended"; fi
    done
    children=("${running[@]}")
}

wait_for() { # WHAT SECONDS COMMAND...
    local what=$1 deadline=$((SECONDS + $2))
    shift 2
    printf '%s' "   $what …"
    until "$@" >/dev/null 2>&1; do
        check_children
        [ $SECONDS -lt $deadline ] || { say; fail "$what: not in time; logs are in $place"; }
        sleep 0.1
    done
    say " ok"
}

need_free_port() { # FLAG PORT
    ! (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null || fail "port $2 ($1) is in use; stop what listens there"
}

need_free_ports() {
    need_free_port "control plane --listen" 5070
    local shift
    for shift in 0 $edge_shift; do
        need_free_port --http-port $((5080 + shift))
        need_free_port --rtmp-port $((1935 + shift))
        need_free_port --relay-port $((5000 + shift))
    done
}

# Bearer tokens of this run: in the environment of the daemons and in files, never on a command line.
make_tokens() {
    umask 077
    MILLRACE_NODE_TOKEN=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    MILLRACE_ADMIN_TOKEN=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    export MILLRACE_NODE_TOKEN MILLRACE_ADMIN_TOKEN
    printf '%s\n' "$MILLRACE_ADMIN_TOKEN" >"$place/admin.token"
    printf '%s\n' "$MILLRACE_NODE_TOKEN" >"$place/node.token"
    printf 'Authorization: Bearer %s\n' "$MILLRACE_ADMIN_TOKEN" >"$place/admin.header"
}

start_store() { # sqlite|mongodb; sets store_address
    case $1 in
    sqlite) store_address=sqlite:$place/millrace.db ;;
    mongodb)
        local port=27090
        need_free_port "MongoDB test server" $port
        start_child mongodb "$root/ops/mongodb-test-server" run $port "$place/mongodb"
        wait_for "MongoDB test server" 60 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"
        store_address=$("$root/ops/mongodb-test-server" uri $port)
        ;;
    esac
}

start_control() {
    start_child control "$release/millrace-control" --listen 127.0.0.1:5070 --store "$store_address"
    wait_for "control plane" 30 curl -fsS -m 2 $control_url/readyz
}

start_worker() { # NAME ROLE SHIFT
    # The control plane's admin token is none of a worker's business.
    start_child "$1" env -u MILLRACE_ADMIN_TOKEN "$release/millrace-worker" \
        --node-id "$1" --role "$2" --control $control_url --state-dir "$place/$1" --advertise 127.0.0.1 \
        --drain-timeout 2s --http-port $((5080 + $3)) --https-port $((5443 + $3)) --rtmp-port $((1935 + $3)) \
        --rtmps-port $((8443 + $3)) --relay-port $((5000 + $3)) --srt-port $((4200 + $3)) \
        --webrtc-port $((50000 + $3)) --agent-port $((5001 + $3))
}

wait_for_worker() { # NAME SHIFT
    wait_for "$1" 30 curl -fsS -m 2 "http://127.0.0.1:$((5080 + $2))/readyz"
}

# Colour bars, a running clock of frames and a tone; a keyframe a second.
start_publisher() { # NAME RTMP-URL
    start_child "$1" ffmpeg -nostdin -hide_banner -loglevel warning -re \
        -f lavfi -i testsrc2=size=640x360:rate=30 -f lavfi -i sine=frequency=440:sample_rate=48000 \
        -c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -profile:v baseline -b:v 1000k -g 30 \
        -c:a aac -b:a 96k -f flv "$2"
}

can_play() { # URL
    timeout -k 2 10 ffprobe -v error -rw_timeout 5000000 -analyzeduration 2000000 -probesize 500000 \
        -show_entries stream=codec_name -of csv=p=0 "$1" 2>/dev/null | grep -q h264
}
