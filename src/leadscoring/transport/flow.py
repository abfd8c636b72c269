"""When the bytes of a connection are read, and when they stay with the kernel."""

from uvicorn.protocols.http.flow_control import FlowControl


class Flow(FlowControl):
    """uvicorn's control of a connection, which also waits while ``held``, whatever its request asks for."""

    held = False

    def hold(self) -> None:
        """Reads nothing until it is ``free``."""
        self.held = True
        self.pause_reading()

    def free(self) -> None:
        """Reads on."""
        self.held = False
        self.resume_reading()

    def resume_reading(self) -> None:
        """Reads on, unless held."""
        if not self.held:
            super().resume_reading()
