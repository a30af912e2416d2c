/* A small libnvidia-ml.so.1 for tests: no GPU, only a text file that says what the GPUs answer.
 *
 * The file is nvml.conf in the folder of this library and is read again at every call, so that a test can lose a
 * GPU in mid-run. Lines are "key = value"; a line "gpu" starts the next GPU, lines before the first one are about
 * the driver. A reading that a GPU's part does not name is "not supported". "error.KEY = N" makes a reading fail
 * with NVML's code N, "lost = 1" all of them with "GPU is lost", "hang_ms = N" delays every call about that GPU.
 * "process = PID BYTES c|g" lists a compute or graphics process, with "-" for memory that the driver cannot tell.
 *
 * Built with -DOLD_DRIVER it lacks the entry points that drivers before 510 did not have.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, GPU_IS_LOST = 15 };
enum { MAX_LINES = 1024, DRIVER = -1 };

typedef struct {
    int gpu;
    char key[64], value[256];
} Line;
typedef struct {
    int gpus, lines;
    Line line[MAX_LINES];
} Config;
typedef struct {
    unsigned long long total, free, used;
} Memory;
typedef struct {
    unsigned version;
    unsigned long long total, reserved, free, used;
} MemoryV2;
typedef struct {
    unsigned gpu, memory;
} Utilization;
typedef struct {
    unsigned version, sensor;
    int temperature;
} Temperature;
typedef struct {
    unsigned pid;
    unsigned long long memory;
    unsigned gpu_instance, compute_instance;
} Process;

static void config_path(char *path, size_t size) {
    Dl_info self;
    dladdr((void *)config_path, &self);
    snprintf(path, size, "%s", self.dli_fname);
    char *slash = strrchr(path, '/');
    snprintf(slash ? slash + 1 : path, 16, "nvml.conf");
}

static Config *load(void) {
    static _Thread_local Config config;
    char path[4096], text[512];
    config.gpus = config.lines = 0;
    config_path(path, sizeof path - 16);
    FILE *file = fopen(path, "r");
    while (file && config.lines < MAX_LINES && fgets(text, sizeof text, file)) {
        Line *line = &config.line[config.lines];
        if (strcmp(text, "gpu\n") == 0)
            config.gpus++;
        else if (sscanf(text, "%63s = %255[^\n]", line->key, line->value) == 2) {
            line->gpu = config.gpus - 1;
            config.lines++;
        }
    }
    if (file)
        fclose(file);
    return &config;
}

static const char *get(Config *config, int gpu, const char *key) {
    for (int i = 0; i < config->lines; i++)
        if (config->line[i].gpu == gpu && strcmp(config->line[i].key, key) == 0)
            return config->line[i].value;
    return NULL;
}

static unsigned long long number(Config *config, int gpu, const char *key) {
    const char *value = get(config, gpu, key);
    return value ? strtoull(value, NULL, 10) : 0;
}

/* A handle is the GPU's index plus one. */
static int index_of(void *device) { return (int)(size_t)device - 1; }

/* What a question about KEY fails with, or SUCCESS. */
static int failure(Config *config, int gpu, const char *key) {
    char error[80];
    if (gpu < 0 || gpu >= config->gpus)
        return INVALID_ARGUMENT;
    usleep(1000 * (unsigned)number(config, gpu, "hang_ms"));
    if (number(config, gpu, "lost"))
        return GPU_IS_LOST;
    snprintf(error, sizeof error, "error.%s", key);
    if (get(config, gpu, error))
        return (int)number(config, gpu, error);
    return get(config, gpu, key) ? SUCCESS : NOT_SUPPORTED;
}

static int read_number(void *device, const char *key, unsigned *value) {
    Config *config = load();
    int error = failure(config, index_of(device), key);
    if (error == SUCCESS)
        *value = (unsigned)number(config, index_of(device), key);
    return error;
}

static int read_text(void *device, const char *key, char *text, unsigned size) {
    Config *config = load();
    int error = failure(config, index_of(device), key);
    if (error == SUCCESS)
        snprintf(text, size, "%s", get(config, index_of(device), key));
    return error;
}

static int list_processes(void *device, char kind, unsigned *count, Process *processes) {
    Config *config = load();
    int gpu = index_of(device), error = failure(config, gpu, "processes");
    unsigned found = 0, room = *count;
    if (error != SUCCESS)
        return error;
    for (int i = 0; i < config->lines; i++) {
        char memory[32], its_kind;
        unsigned pid;
        if (config->line[i].gpu != gpu || strcmp(config->line[i].key, "process") != 0 ||
            sscanf(config->line[i].value, "%u %31s %c", &pid, memory, &its_kind) != 3 || its_kind != kind)
            continue;
        if (processes && found < room) {
            unsigned long long bytes = memory[0] == '-' ? ~0ULL : strtoull(memory, NULL, 10);
            processes[found] = (Process){pid, bytes, ~0U, ~0U};
        }
        found++;
    }
    *count = found;
    return found > (processes ? room : 0) ? INSUFFICIENT_SIZE : SUCCESS;
}

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    return (int)number(load(), DRIVER, "init");
}
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int error) { return error == 28 ? "GPU not found, \xff said the driver" : "an NVML error"; }

int nvmlSystemGetDriverVersion(char *text, unsigned size) {
    const char *version = get(load(), DRIVER, "driver");
    if (!version)
        return NOT_SUPPORTED;
    snprintf(text, size, "%s", version);
    return SUCCESS;
}
int nvmlSystemGetCudaDriverVersion(int *version) {
    *version = (int)number(load(), DRIVER, "cuda");
    return *version ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    Config *config = load();
    *count = 0;
    for (int gpu = 0; gpu < config->gpus; gpu++)
        *count += get(config, gpu, "parent") == NULL;
    return SUCCESS;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    Config *config = load();
    if ((int)index >= config->gpus)
        return INVALID_ARGUMENT;
    *device = (void *)(size_t)(index + 1);
    return number(config, (int)index, "lost") ? GPU_IS_LOST : SUCCESS;
}
int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) {
    Config *config = load();
    for (int gpu = 0; gpu < config->gpus; gpu++) {
        const char *its = get(config, gpu, "uuid");
        if (its && strcmp(its, uuid) == 0) {
            *device = (void *)(size_t)(gpu + 1);
            return SUCCESS;
        }
    }
    return NOT_FOUND;
}
/* A MIG instance is a later "gpu" with "parent = INDEX". */
int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(void *mig, void **device) {
    unsigned parent;
    int error = read_number(mig, "parent", &parent);
    if (error == SUCCESS)
        *device = (void *)(size_t)(parent + 1);
    return error;
}
int nvmlDeviceGetIndex(void *device, unsigned *index) {
    *index = (unsigned)index_of(device);
    return SUCCESS;
}

int nvmlDeviceGetUUID(void *device, char *text, unsigned size) { return read_text(device, "uuid", text, size); }
int nvmlDeviceGetName(void *device, char *text, unsigned size) { return read_text(device, "name", text, size); }
int nvmlDeviceGetPowerUsage(void *device, unsigned *value) { return read_number(device, "power_mw", value); }
int nvmlDeviceGetEnforcedPowerLimit(void *device, unsigned *value) {
    return read_number(device, "power_limit_mw", value);
}
int nvmlDeviceGetClockInfo(void *device, int type, unsigned *value) {
    return type == 1 ? read_number(device, "sm_clock_mhz", value) : NOT_SUPPORTED;
}
int nvmlDeviceGetUtilizationRates(void *device, Utilization *rates) {
    rates->memory = 0;
    return read_number(device, "util", &rates->gpu);
}
int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *value) {
    return sensor == 0 ? read_number(device, "temperature", value) : NOT_SUPPORTED;
}
/* The first version of this call counts the driver's reserve as used. */
int nvmlDeviceGetMemoryInfo(void *device, Memory *memory) {
    Config *config = load();
    int gpu = index_of(device), error = failure(config, gpu, "memory_total");
    if (error != SUCCESS)
        return error;
    memory->total = number(config, gpu, "memory_total");
    memory->used = number(config, gpu, "memory_used") + number(config, gpu, "memory_reserved");
    memory->free = memory->total - memory->used;
    return SUCCESS;
}

#ifdef OLD_DRIVER
int nvmlDeviceGetComputeRunningProcesses_v2(void *device, unsigned *count, Process *processes) {
    return list_processes(device, 'c', count, processes);
}
int nvmlDeviceGetGraphicsRunningProcesses_v2(void *device, unsigned *count, Process *processes) {
    return list_processes(device, 'g', count, processes);
}
#else
int nvmlDeviceGetTemperatureV(void *device, Temperature *reading) {
    return nvmlDeviceGetTemperature(device, (int)reading->sensor, (unsigned *)&reading->temperature);
}
int nvmlDeviceGetMemoryInfo_v2(void *device, MemoryV2 *memory) {
    Memory first;
    int error = nvmlDeviceGetMemoryInfo(device, &first);
    if (error != SUCCESS)
        return error;
    memory->total = first.total;
    memory->reserved = number(load(), index_of(device), "memory_reserved");
    memory->free = first.free;
    memory->used = first.used - memory->reserved;
    return SUCCESS;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, Process *processes) {
    return list_processes(device, 'c', count, processes);
}
int nvmlDeviceGetGraphicsRunningProcesses_v3(void *device, unsigned *count, Process *processes) {
    return list_processes(device, 'g', count, processes);
}
#endif
