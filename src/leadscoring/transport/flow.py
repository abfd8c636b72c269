"""Read backpressure of a connection: when to read from its socket."""

from uvicorn.protocols.http.flow_control import FlowControl


class Flow(FlowControl):
    """uvicorn's flow control, which also pauses reading while ``held``, whatever the request asks for."""

    held = False

    def hold(self) -> None:
        """Pauses reading until ``free`` is called."""
        self.held = True
        self.pause_reading()

    def free(self) -> None:
        """Resumes reading."""
        self.held = False
        self.resume_reading()

    def resume_reading(self) -> None:
        """Resumes reading unless held."""
        if not self.held:
            super().resume_reading()
