/**
 * The zstd library, loaded when the first batch needs it: its own `init` is asynchronous, decoding a
 * batch is not, and waiting for it at every start costs each process and thread 60 ms and 15 MB. The
 * library lets its caller make the WebAssembly instance (Emscripten's `instantiateWasm`); a test
 * holds that.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

type Library = Pick<typeof import('@bokuweb/zstd-wasm'), 'compress' | 'decompress'>;

interface EmscriptenModule {
  instantiateWasm(imports: object, receive: (instance: WebAssembly.Instance) => void): object;
  /** Calls `instantiateWasm`, and has run when it returns. */
  init(): void;
}

let library: Library | null = null;

export function zstdLibrary(): Library {
  library ??= load();
  return library;
}

function load(): Library {
  const require = createRequire(import.meta.url);
  const entry = require.resolve('@bokuweb/zstd-wasm');
  const loaded = require(entry) as Library;
  const { Module } = createRequire(entry)('./module.js') as { Module: EmscriptenModule };
  const code = readFileSync(join(dirname(entry), 'zstd.wasm'));
  Module.instantiateWasm = (imports, receive) => {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(code), imports);
    receive(instance);
    return instance.exports;
  };
  Module.init();
  return loaded;
}
