#include "arrow_made.hpp"

#include <cstring>

#include "arrow.hpp"

namespace leadscoring {

// The memory of a column, and the bytes that its texts lie in.
struct MadeColumn::Kept {
    size_t rows;
    std::shared_ptr<double[]> numbers;
    std::unique_ptr<View[]> views;
    std::vector<uint8_t> valid;
    PyObject* block = nullptr;
    int64_t block_size = 0;

    Kept(size_t rows, std::shared_ptr<double[]> given) : rows(rows), numbers(std::move(given)), valid(rows / 8 + 1) {}
    Kept(size_t rows, nb::object given) : rows(rows), views(new View[rows + 1]()), valid(rows / 8 + 1) {
        block = given.release().ptr();
        block_size = int64_t(PyBytes_GET_SIZE(block));
    }
    Kept(const Kept&) = delete;
    ~Kept() {
        if (!block || !nb::is_alive()) return;
        const nb::gil_scoped_acquire held;  // Arrow may release a column in any thread
        Py_DECREF(block);
    }
};

namespace {

// What an array of Arrow points to.
struct Shown {
    std::shared_ptr<void> kept;
    const void* buffers[4];
    int64_t sizes[1];
};

void release_array(ArrowArray* array) {
    delete static_cast<Shown*>(array->private_data);
    array->release = nullptr;
}

void release_schema(ArrowSchema* schema) { schema->release = nullptr; }

template <class T>
void drop(PyObject* capsule, const char* name) {
    T* content = static_cast<T*>(PyCapsule_GetPointer(capsule, name));
    if (!content) return PyErr_Clear();
    if (content->release) content->release(content);
    delete content;
}

constexpr size_t kPage = 4096 / sizeof(double), kLine = 64 / sizeof(double);
constexpr const char* kSchema = "arrow_schema";
constexpr const char* kArray = "arrow_array";

template <class T>
nb::object capsule_of(std::unique_ptr<T> content, const char* name, PyCapsule_Destructor destroy) {
    PyObject* capsule = PyCapsule_New(content.get(), name, destroy);
    if (!capsule) throw nb::python_error();
    content.release();
    return nb::steal(capsule);
}

}  // namespace

MadeColumn::MadeColumn(std::shared_ptr<Kept> kept, double* numbers)
    : kept_(std::move(kept)),
      numbers_(numbers),
      views_(kept_->views.get()),
      valid_(kept_->valid.data()),
      block_(kept_->block ? PyBytes_AS_STRING(kept_->block) : nullptr) {}

std::vector<MadeColumn> MadeColumn::of_numbers(size_t rows, size_t count) {
    // Columns that are a multiple of a page apart would share few lines of the cache, as a row is written to all of them.
    const size_t stride = (rows / kPage + 1) * kPage + kLine;
    const std::shared_ptr<double[]> memory(new double[stride * count + 1]);
    std::vector<MadeColumn> columns;
    for (size_t i = 0; i < count; ++i)
        columns.push_back(MadeColumn(std::make_shared<Kept>(rows, memory), memory.get() + i * stride));
    return columns;
}

MadeColumn MadeColumn::of_texts(size_t rows, nb::object block) {
    return {std::make_shared<Kept>(rows, std::move(block)), nullptr};
}

void MadeColumn::set(size_t row, std::string_view text) {
    View& view = views_[row];
    view.size = int32_t(text.size());
    if (text.size() <= 12) {
        std::memcpy(view.start, text.data(), text.size() < 4 ? text.size() : 4);
        if (text.size() > 4) std::memcpy(view.more, text.data() + 4, text.size() - 4);
    } else {
        std::memcpy(view.start, text.data(), 4);
        view.place[0] = 0;
        view.place[1] = int32_t(text.data() - block_);
    }
    mark(row);
}

nb::object MadeColumn::exported() const {
    const bool texts = views_ != nullptr;
    auto schema = std::make_unique<ArrowSchema>();
    *schema = {texts ? "vu" : "g", "", nullptr, 2, 0, nullptr, nullptr, release_schema, nullptr};  // 2: with nulls
    auto shown = std::make_unique<Shown>();
    shown->kept = kept_;
    shown->sizes[0] = kept_->block_size;
    shown->buffers[0] = valid_;
    shown->buffers[1] = texts ? static_cast<const void*>(views_) : numbers_;
    shown->buffers[2] = block_;
    shown->buffers[3] = shown->sizes;
    auto array = std::make_unique<ArrowArray>();
    const void** buffers = shown->buffers;
    *array = {int64_t(kept_->rows), -1,      0,       texts ? 4 : 2, 0,
              buffers,              nullptr, nullptr, release_array, shown.release()};
    nb::object first = capsule_of(std::move(schema), kSchema, [](PyObject* one) { drop<ArrowSchema>(one, kSchema); });
    return nb::make_tuple(first,
                          capsule_of(std::move(array), kArray, [](PyObject* one) { drop<ArrowArray>(one, kArray); }));
}

void bind_arrow_made(nb::module_& m) {
    nb::class_<MadeColumn>(m, "MadeColumn")
        .def("__arrow_c_array__", [](const MadeColumn& column, nb::handle) { return column.exported(); },
             nb::arg("requested_schema") = nb::none());
}

}  // namespace leadscoring
