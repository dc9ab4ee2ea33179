/**
 * The zstd library, loaded when the first batch needs it: its own `init` is asynchronous, decoding a
 * batch is not, and waiting for it at every start costs each process and thread 60 ms and 15 MB. The
 * library lets its caller make the WebAssembly instance (Emscripten's `instantiateWasm`).
 *
 * That this process lacks the library, or memory, says nothing of a log: such failures are
 * `internal`, and only what the decoder itself says of a frame makes it a broken one.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SealstreamError } from '../../ledger/error.js';

/** What is used of the library and of its module; addresses and sizes are numbers of bytes. */
interface Zstd {
  readonly compress: (bytes: Uint8Array) => Uint8Array;
  readonly module: EmscriptenModule;
}

interface EmscriptenModule {
  instantiateWasm(imports: object, receive: (instance: WebAssembly.Instance) => void): object;
  /** Calls `instantiateWasm`, and has run when it returns. */
  init(): void;
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(address: number): void;
  _ZSTD_decompress(to: number, room: number, from: number, length: number): number;
  _ZSTD_isError(result: number): number;
}

/** ZSTD_error_memory_allocation, _workSpace_tooSmall and _dstBuffer_null: nothing about the frame. */
const OUT_OF_MEMORY: ReadonlySet<number> = new Set([64, 66, 74]);

let zstd: Zstd | null = null;
/** The library can be started once; after a trap its memory is not to be trusted. */
let failure: SealstreamError | null = null;

export function compressFrame(bytes: Uint8Array): Uint8Array {
  return attempt(({ compress }) => compress(bytes));
}

/** At most `room` bytes; null: the frame is broken, or holds more. Throws `internal`. */
export function decompressFrame(frame: Uint8Array, room: number): Uint8Array | null {
  return attempt(({ module }) => {
    const from = allocate(module, frame.length);
    const to = allocate(module, room);
    module.HEAPU8.set(frame, from);
    const result = module._ZSTD_decompress(to, room, from, frame.length);
    const isError = module._ZSTD_isError(result) !== 0;
    if (isError && OUT_OF_MEMORY.has(-result)) throw new Error('it is out of memory');
    const bytes = isError ? null : module.HEAPU8.slice(to, to + result);
    module._free(to);
    module._free(from);
    return bytes;
  });
}

function allocate(module: EmscriptenModule, bytes: number): number {
  const address = module._malloc(Math.max(1, bytes));
  if (address === 0) throw new Error(`it has no memory for ${bytes} bytes`);
  return address;
}

function attempt<T>(action: (zstd: Zstd) => T): T {
  if (failure !== null) throw failure;
  try {
    zstd ??= load();
    return action(zstd);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the zstd library does not work in this process: ${reason}`;
    failure = new SealstreamError('internal', message, { cause });
    throw failure;
  }
}

function load(): Zstd {
  const require = createRequire(import.meta.url);
  const entry = require.resolve('@bokuweb/zstd-wasm');
  const { compress } = require(entry) as Pick<typeof import('@bokuweb/zstd-wasm'), 'compress'>;
  const { Module } = createRequire(entry)('./module.js') as { Module: EmscriptenModule };
  const code = new WebAssembly.Module(readFileSync(join(dirname(entry), 'zstd.wasm')));
  let problem: unknown = new Error('it did not ask for its WebAssembly instance');
  Module.instantiateWasm = (imports, receive) => {
    // Emscripten would swallow what is thrown here, and go on without an instance.
    try {
      const instance = new WebAssembly.Instance(code, imports);
      receive(instance);
      problem = null;
      return instance.exports;
    } catch (error) {
      problem = error;
      return {};
    }
  };
  Module.init();
  if (problem !== null) throw problem;
  return { compress, module: Module };
}
