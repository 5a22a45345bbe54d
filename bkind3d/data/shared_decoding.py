"""One video decoded once for several who read different parts of its pictures, each in a thread of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from queue import Full, Queue
from threading import Event, Lock, Thread

from av.video.reformatter import VideoReformatter

from bkind3d.data.crops import View
from bkind3d.data.shrinking import Cutter
from bkind3d.data.video import DecodedFrame, Video, decode_stored, find_crop, list_files

#: Frames that a reader may be ahead of another.
_AHEAD = 64
#: Seconds after which the decoder looks again whether a reader has gone.
_LOOK = 0.2


@dataclass
class _Reader:
    """What somebody wants of a video, and what is ready for him: frames, then nothing, or an error."""

    cutter: Cutter
    size: tuple[int, int] | None
    wanted: Callable[[int], bool]
    ready: "Queue[DecodedFrame | BaseException | None]" = field(default_factory=lambda: Queue(_AHEAD))
    gone: Event = field(default_factory=Event)

    def give(self, item: DecodedFrame | BaseException | None) -> None:
        """Hand over the next item, as soon as there is room, unless the reader has gone."""
        while not self.gone.is_set():
            try:
                self.ready.put(item, timeout=_LOOK)
                return
            except Full:
                continue


class SharedVideo:
    """Decodes a video once for `n_readers`; decoding begins when all of them have asked, or gone."""

    def __init__(self, n_readers: int, threads: int = 1) -> None:
        self._awaited, self._threads, self._lock = n_readers, threads, Lock()
        self._readers: dict[str, _Reader] = {}
        self._files: Video = ()

    def decode_frames(self, name: str, video: Video, size: tuple[int, int] | None, wanted: Callable[[int], bool]) -> Iterator[DecodedFrame]:
        """As :func:`bkind3d.data.video.decode_frames` for the reader `name`; all name the same files, and crops of their own."""
        reader = _Reader(Cutter(find_crop(video)), size, wanted)
        self._files = View(tuple(list_files(video)))
        self._arrive(name, reader)
        return self._read(reader)

    def leave(self, name: str) -> None:
        """Say that a reader wants no more, or never will: the others go on without him."""
        if name in self._readers:
            self._readers[name].gone.set()
        else:
            self._arrive(name, None)

    def _arrive(self, name: str, reader: _Reader | None) -> None:
        with self._lock:
            self._awaited -= 1
            if reader:
                self._readers[name] = reader
            if not self._awaited and self._readers:
                Thread(target=self._decode, args=[list(self._readers.values())], daemon=True).start()

    def _read(self, reader: _Reader) -> Iterator[DecodedFrame]:
        while (item := reader.ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def _decode(self, readers: list[_Reader]) -> None:
        end: BaseException | None = None
        reformatter = VideoReformatter()
        try:
            for number, time_s, frame in decode_stored(self._files, self._threads):
                for reader in readers:
                    if reader.wanted(number) and not reader.gone.is_set():
                        reader.give(DecodedFrame(number, time_s, reader.cutter.make_picture(frame, reader.size, "rgb24", reformatter)))
                if all(reader.gone.is_set() for reader in readers):
                    break
        except BaseException as error:  # whatever it is, it is the readers' to handle
            end = error
        for reader in readers:
            reader.give(end)
