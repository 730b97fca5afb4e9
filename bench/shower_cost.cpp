// What a shower costs in a bare process: usage: shower_cost MODEL BATCH REPEATS N_LAYERS N_NOISE
//
// ONNX Runtime's C API alone, whose order of functions never changes. Where its header is, it is
// included; its Python package has the library without the header, and the few functions that are
// needed here are declared by their places.
//
// Prints resident memory in MB before and after loading and after the runs, then the least and
// the median time per batch in ms, then the voxels of the first shower, one a line.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <vector>
#include <unistd.h>

#if __has_include(<onnxruntime_c_api.h>)
#include <onnxruntime_c_api.h>
#else
extern "C" {
struct OrtEnv;
struct OrtStatus;
struct OrtSession;
struct OrtSessionOptions;
struct OrtValue;
struct OrtMemoryInfo;
struct OrtRunOptions;
typedef OrtStatus* (*Unused)();
enum { ORT_LOGGING_LEVEL_WARNING = 2, ORT_API_VERSION = 15 };
enum { OrtArenaAllocator = 1, OrtMemTypeDefault = 0, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT = 1 };

struct OrtApi {
  Unused before_2[2];
  const char* (*GetErrorMessage)(const OrtStatus*);
  OrtStatus* (*CreateEnv)(int, const char*, OrtEnv**);
  Unused before_7[3];
  OrtStatus* (*CreateSession)(const OrtEnv*, const char*, const OrtSessionOptions*, OrtSession**);
  Unused before_9[1];
  OrtStatus* (*Run)(OrtSession*, const OrtRunOptions*, const char* const*,
                    const OrtValue* const*, size_t, const char* const*, size_t, OrtValue**);
  OrtStatus* (*CreateSessionOptions)(OrtSessionOptions**);
  Unused before_24[13];
  OrtStatus* (*SetIntraOpNumThreads)(OrtSessionOptions*, int);
  OrtStatus* (*SetInterOpNumThreads)(OrtSessionOptions*, int);
  Unused before_49[23];
  OrtStatus* (*CreateTensorWithDataAsOrtValue)(const OrtMemoryInfo*, void*, size_t,
                                               const int64_t*, size_t, int, OrtValue**);
  Unused before_51[1];
  OrtStatus* (*GetTensorMutableData)(OrtValue*, void**);
  Unused before_69[17];
  OrtStatus* (*CreateCpuMemoryInfo)(int, int, OrtMemoryInfo**);
  Unused before_96[26];
  void (*ReleaseValue)(OrtValue*);
};
struct OrtApiBase {
  const OrtApi* (*GetApi)(uint32_t);
  const char* (*GetVersionString)();
};
const OrtApiBase* OrtGetApiBase();
}
#endif

static const OrtApi* ort = OrtGetApiBase()->GetApi(15);

static void check(OrtStatus* status) {
  if (status == nullptr) return;
  std::fprintf(stderr, "%s\n", ort->GetErrorMessage(status));
  std::exit(1);
}

static double resident() {  // MB
  long total = 0, pages = 0;
  std::ifstream("/proc/self/statm") >> total >> pages;
  return pages * sysconf(_SC_PAGESIZE) / 1e6;
}

struct Input {
  std::vector<float> values;
  OrtValue* tensor = nullptr;
  Input(const OrtMemoryInfo* memory, int64_t batch, int64_t size, float value) {
    values.resize(batch * size, value);
    if (value == 0.0f)  // numbers of the size of noise, which every language computes alike
      for (size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<float>(static_cast<int>(i * 7919 % 4001) - 2000) / 1024.0f;
    const int64_t shape[] = {batch, size};
    check(ort->CreateTensorWithDataAsOrtValue(memory, values.data(), values.size() * sizeof(float),
                                              shape, 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                                              &tensor));
  }
};

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const int64_t batch = std::atoll(argv[2]), repeats = std::atoll(argv[3]);
  OrtEnv* env = nullptr;
  OrtSessionOptions* options = nullptr;
  OrtSession* session = nullptr;
  OrtMemoryInfo* memory = nullptr;
  check(ort->CreateEnv(ORT_LOGGING_LEVEL_WARNING, "photons", &env));
  check(ort->CreateSessionOptions(&options));
  check(ort->SetIntraOpNumThreads(options, 1));
  check(ort->SetInterOpNumThreads(options, 1));
  const double before = resident();
  check(ort->CreateSession(env, argv[1], options, &session));
  const double loaded = resident();
  check(ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
  const Input eta(memory, batch, 1, 2.0f), energy(memory, batch, 1, 65536.0f);
  const Input layers(memory, batch, std::atoll(argv[4]), 0.0f);
  const Input noise(memory, batch, std::atoll(argv[5]), 0.0f);
  const char* names[] = {"inn_eta_in", "inn_einc_in", "inn_z_energy", "cfm_z_shape"};
  const OrtValue* inputs[] = {eta.tensor, energy.tensor, layers.tensor, noise.tensor};
  const char* output = "voxels";
  std::vector<double> times;
  std::vector<float> first(std::atoll(argv[5]));
  for (int64_t k = 0; k < repeats + 3; ++k) {
    OrtValue* found = nullptr;
    const auto start = std::chrono::steady_clock::now();
    check(ort->Run(session, nullptr, names, inputs, 4, &output, 1, &found));
    const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
    if (k >= 3) times.push_back(spent.count());  // the first ones make what all need
    void* data = nullptr;
    check(ort->GetTensorMutableData(found, &data));
    std::copy_n(static_cast<const float*>(data), first.size(), first.begin());
    ort->ReleaseValue(found);
  }
  std::sort(times.begin(), times.end());
  std::printf("%.3f %.3f %.3f %.6f %.6f\n", before, loaded, resident(), times.front(),
              times[times.size() / 2]);
  for (float voxel : first) std::printf("%.9g\n", voxel);
}
