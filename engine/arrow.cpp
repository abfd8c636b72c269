#include "arrow.hpp"

namespace leadscoring {

namespace {

struct ArrowArrayStream {
    int (*get_schema)(ArrowArrayStream*, ArrowSchema*);
    int (*get_next)(ArrowArrayStream*, ArrowArray*);
    const char* (*get_last_error)(ArrowArrayStream*);
    void (*release)(ArrowArrayStream*);
    void* private_data;
};

constexpr const char* kUnreadable = "the stream of Arrow cannot be read";

}  // namespace

ArrowColumn::ArrowColumn(nb::handle column) {
    const nb::object capsule = column.attr("__arrow_c_stream__")();  // releases the stream
    auto* stream = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule.ptr(), "arrow_array_stream"));
    if (!stream) throw nb::python_error();
    ArrowSchema schema{};
    if (stream->get_schema(stream, &schema) != 0) throw nb::value_error(kUnreadable);
    format_ = schema.format;
    if (schema.release) schema.release(&schema);
    if (stream->get_next(stream, &array_) != 0) throw nb::value_error(kUnreadable);
    if (!array_.release) return;  // a stream without chunks has no rows
    ArrowArray more{};
    const int failed = stream->get_next(stream, &more);
    const bool several = !failed && more.release;
    if (several) more.release(&more);
    if (!failed && !several) return;
    array_.release(&array_);
    array_.release = nullptr;
    throw nb::value_error(failed ? kUnreadable : "a column must be one chunk");
}

}  // namespace leadscoring
