/*
 * The hashes of a run of records in one call (FORMAT sections 3 and 4), for native.ts:
 *
 *   append(state, bytes, bodyStart, bodyEnd, offsets, timestamps, timestampType, from, to)
 *
 * For each record i in [from, to):
 *
 *   record = H(bytes[bodyStart[i] .. bodyEnd[i]))
 *   entry  = c | record | offset | timestamp | type     (81 bytes, numbers big-endian)
 *   c      = H(0x00 | entry)                            the chain, and the leaf of the tree
 *   root   = c, then H(0x01 | frontier's last | root) for every trailing 1 of size
 *
 * The state is one Uint8Array, changed in place (numbers in the machine's byte order):
 *
 *      0     8  size
 *      8    32  chain: c(size - 1)
 *     40    81  last: entry(size - 1)
 *    121  2016  frontier: 63 hashes, one in use for every set bit of size
 *
 * Every length, index and number is checked here once more before memory is touched: these columns
 * are made of bytes that others wrote. A bad argument throws, and changes nothing.
 *
 * SHA-256 is that of the process, Node's own OpenSSL, which picks the processor's instructions.
 */
#define NAPI_VERSION 8
#define OPENSSL_SUPPRESS_DEPRECATED
#include <node_api.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { HASH = 32, ENTRY = 81, MOST_HASHES = 63 };
enum { CHAIN = 8, LAST = CHAIN + HASH, FRONTIER = LAST + ENTRY };
enum { STATE = FRONTIER + MOST_HASHES * HASH };
enum { RECORD = HASH, OFFSET = 2 * HASH, TIMESTAMP = OFFSET + 8, TYPE = TIMESTAMP + 8 };

typedef struct {
  uint8_t *state;
  const uint8_t *bytes;
  const int32_t *body_start, *body_end;
  const int64_t *offsets, *timestamps;
  uint32_t timestamp_type, from, to;
} Run;

static void sha256(const uint8_t *input, size_t length, uint8_t *hash) {
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, input, length);
  SHA256_Final(hash, &context);
}

static void write_big_endian(uint8_t *target, int64_t value) {
  for (int at = 0; at < 8; at++) target[at] = (uint8_t)((uint64_t)value >> (56 - 8 * at));
}

/* False, and nothing changed, where a body is not within the bytes or the size leaves no room: each
 * number is read once, and the state is worked on in a copy, because others may write to both. */
static bool append_records(const Run *run, size_t length) {
  uint8_t leaf[1 + ENTRY] = {0x00}, node[1 + 2 * HASH] = {0x01};
  uint8_t state[STATE], root[HASH];
  uint8_t *const entry = leaf + 1, *const frontier = state + FRONTIER, *const chain = state + CHAIN;
  uint64_t size;
  size_t used = 0;
  memcpy(state, run->state, STATE);
  memcpy(&size, state, sizeof size);
  if (size > (uint64_t)INT64_MAX - (run->to - run->from)) return false;
  if (run->from == run->to) return true;
  for (uint64_t rest = size; rest != 0; rest >>= 1) used += rest & 1;
  entry[TYPE] = (uint8_t)run->timestamp_type;
  for (uint32_t i = run->from; i < run->to; i++) {
    const int32_t start = *(const volatile int32_t *)(run->body_start + i);
    const int32_t end = *(const volatile int32_t *)(run->body_end + i);
    if (start < 0 || end < start || (size_t)end > length) return false;
    memcpy(entry, chain, HASH);
    sha256(run->bytes + start, (size_t)(end - start), entry + RECORD);
    write_big_endian(entry + OFFSET, run->offsets[i]);
    write_big_endian(entry + TIMESTAMP, run->timestamps[i]);
    sha256(leaf, sizeof leaf, chain);
    memcpy(root, chain, HASH);
    for (uint64_t rest = size; rest & 1; rest >>= 1) {
      memcpy(node + 1, frontier + --used * HASH, HASH);
      memcpy(node + 1 + HASH, root, HASH);
      sha256(node, sizeof node, root);
    }
    memcpy(frontier + used++ * HASH, root, HASH);
    size++;
  }
  memcpy(state, &size, sizeof size);
  memcpy(state + LAST, entry, ENTRY);
  memcpy(run->state, state, STATE);
  return true;
}

static bool read_column(napi_env env, napi_value value, napi_typedarray_type type, void **data,
                        size_t *length) {
  bool is_column = false;
  napi_typedarray_type actual;
  return napi_is_typedarray(env, value, &is_column) == napi_ok && is_column &&
         napi_get_typedarray_info(env, value, &actual, length, data, NULL, NULL) == napi_ok &&
         actual == type;
}

static bool read_run(napi_env env, napi_value *arguments, Run *run, size_t *bytes) {
  size_t state, starts, ends, offsets, timestamps;
  return read_column(env, arguments[0], napi_uint8_array, (void **)&run->state, &state) &&
         read_column(env, arguments[1], napi_uint8_array, (void **)&run->bytes, bytes) &&
         read_column(env, arguments[2], napi_int32_array, (void **)&run->body_start, &starts) &&
         read_column(env, arguments[3], napi_int32_array, (void **)&run->body_end, &ends) &&
         read_column(env, arguments[4], napi_bigint64_array, (void **)&run->offsets, &offsets) &&
         read_column(env, arguments[5], napi_bigint64_array, (void **)&run->timestamps,
                     &timestamps) &&
         napi_get_value_uint32(env, arguments[6], &run->timestamp_type) == napi_ok &&
         napi_get_value_uint32(env, arguments[7], &run->from) == napi_ok &&
         napi_get_value_uint32(env, arguments[8], &run->to) == napi_ok && state == STATE &&
         run->timestamp_type <= 1 && run->from <= run->to && run->to <= starts &&
         run->to <= ends && run->to <= offsets && run->to <= timestamps;
}

static napi_value append(napi_env env, napi_callback_info info) {
  size_t count = 9;
  napi_value arguments[9];
  Run run;
  size_t bytes;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 9 ||
      !read_run(env, arguments, &run, &bytes) || !append_records(&run, bytes)) {
    napi_throw_range_error(env, NULL, "append: these columns do not hold these records");
  }
  return NULL;
}

NAPI_MODULE_INIT() {
  napi_value function;
  if (napi_create_function(env, "append", NAPI_AUTO_LENGTH, append, NULL, &function) != napi_ok ||
      napi_set_named_property(env, exports, "append", function) != napi_ok) {
    napi_throw_error(env, NULL, "append could not be exported");
  }
  return exports;
}
