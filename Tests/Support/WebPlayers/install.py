"""Takes web players out of the Python packages that carry them: install.py FOLDER

hls.js is a module in the browser half of gradio, its class exported under a name that changes with each build;
video.js, with its engine for HLS and DASH, is the first half of a script of kolibri, which expects its application around it.
"""
import gzip
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

PACKAGES = ("gradio==6.31.0", "kolibri==0.19.5")

# What the script asks of its application is made of this: anything, called or looked into, is itself again.
APPLICATION = """\
var kolibriCoreAppGlobal = new Proxy(function () {}, {
  get: (target, name) => name === "prototype" ? target.prototype : kolibriCoreAppGlobal,
  apply: () => kolibriCoreAppGlobal,
});
window.kolibriCoreAppGlobal = kolibriCoreAppGlobal;
"""


def hls_module(wheel):
    with zipfile.ZipFile(wheel) as files:
        name = next(name for name in files.namelist() if re.search(r"frontend/assets/hls-[^/]*\.js$", name))
        text = files.read(name).decode()
    made = re.search(r"(\w+)=class \w*\{static get version\(\)\{return \w+\}static isMSESupported", text)
    exports = text.rindex("export{") + len("export{")
    return f"{text[:exports]}{made[1]} as Hls,{text[exports:]}"


def video_script(wheel):
    with zipfile.ZipFile(wheel) as files:
        name = next(name for name in files.namelist() if re.search(r"media_player\.main-[^/]*\.js\.gz$", name))
        text = gzip.decompress(files.read(name)).decode()
    # The last that its streaming engine does; two functions are open there.
    end = re.search(r'(\w+)\.getPlugin\("reloadSourceOnError"\)\|\|[^;]*?\{\w+\(this,\w+\)\}\);', text)
    return f"{APPLICATION}{text[:end.end()]}window.videojs={end[1]}" + "})()})();\n"


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "-d", place]
        subprocess.run(command + list(PACKAGES), check=True)
        place = pathlib.Path(place)
        (folder / "hls.js").write_text(hls_module(next(place.glob("gradio-*.whl"))))
        (folder / "video.js").write_text(video_script(next(place.glob("kolibri-*.whl"))))


if __name__ == "__main__":
    sys.exit(main())
