"""Takes web players out of the Python packages that carry them: install.py FOLDER

hls.js is a module in the browser half of gradio, its class exported under a name that changes with each build;
video.js, with its HLS engine, is a file of js.videojs.
"""
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile

PACKAGES = ("gradio==6.31.0", "js.videojs==7.5.5")


def hls_module(wheel):
    with zipfile.ZipFile(wheel) as files:
        name = next(name for name in files.namelist() if re.search(r"frontend/assets/hls-[^/]*\.js$", name))
        text = files.read(name).decode()
    made = re.search(r"(\w+)=class \w*\{static get version\(\)\{return \w+\}static isMSESupported", text)
    exports = text.rindex("export{") + len("export{")
    return f"{text[:exports]}{made[1]} as Hls,{text[exports:]}"


def video_script(archive):
    with tarfile.open(archive) as files:
        name = next(name for name in files.getnames() if name.endswith("/video.min.js") and "/alt/" not in name)
        return files.extractfile(name).read().decode()


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "-d", place]
        subprocess.run(command + list(PACKAGES), check=True)
        place = pathlib.Path(place)
        (folder / "hls.js").write_text(hls_module(next(place.glob("gradio-*.whl"))))
        (folder / "video.js").write_text(video_script(next(place.glob("js*videojs*.tar.gz"))))


if __name__ == "__main__":
    sys.exit(main())
