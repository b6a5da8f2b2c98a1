# What benchmarks of the media plane share. Sourced after cluster.sh.

clip=$root/.tools/bench-source.flv

make_clip() {
    [ -s "$clip" ] && return
    say "making the source clip"
    mkdir -p "$root/.tools"
    ffmpeg -nostdin -y -hide_banner -loglevel error \
        -f lavfi -i "testsrc2=size=1280x720:rate=30,noise=alls=12:allf=t:all_seed=42" \
        -f lavfi -i "sine=frequency=440:sample_rate=44100:beep_factor=4" -t 60 \
        -c:v libx264 -preset veryfast -profile:v high -pix_fmt yuv420p -b:v 2500k -minrate 2500k -maxrate 2500k -bufsize 2500k \
        -x264-params keyint=60:min-keyint=60:scenecut=0:bframes=0:nal-hrd=cbr:force-cfr=1 -c:a aac -b:a 128k \
        -f flv "$clip.part"
    mv "$clip.part" "$clip"
}

# Ports that nobody uses now: the kernel picks them.
free_ports() { # COUNT
    python3 - "$1" <<'PYTHON'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for one in held:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in held))
PYTHON
}
