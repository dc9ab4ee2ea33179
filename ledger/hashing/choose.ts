/** Which hashing this process uses: the native one where it was built, unless told otherwise. */
import * as nodeModule from 'node:module';
import { SealstreamError } from '../error.js';
import { asHash, HASH_LENGTH } from '../hash.js';
import type { RecordColumns } from '../records.js';
import { equalBytes } from '../text.js';
import type { Hashing, LogHashes } from './hashing.js';
import { javascriptHashing } from './javascript.js';
import { type NativeModule, nativeHashing } from './native.js';

/** Beside the compiled files; `build.ts` makes it. */
export const NATIVE_FILE = './append.node';
const VARIABLE = 'SEALSTREAM_NATIVE';
/** Node's `--no-addons`, and its permissions without native code. */
const SWITCHED_OFF = 'ERR_DLOPEN_DISABLED';

let chosen: Hashing | null = null;

/** Throws `configuration` on another setting, `internal` where the native code cannot be used. */
export function hashing(): Hashing {
  chosen ??= chooseHashing(globalThis.process?.env?.[VARIABLE], loadNative);
  return chosen;
}

/** `setting`: `off`, `required`, or nothing. `load` gives null where nothing was built. */
export function chooseHashing(
  setting: string | undefined,
  load: () => NativeModule | null,
): Hashing {
  if (setting === 'off') return javascriptHashing;
  if (setting !== undefined && setting !== '' && setting !== 'required') {
    throw new SealstreamError(
      'configuration',
      `${VARIABLE} is ${JSON.stringify(setting)}: set it to off or required, or not at all`,
    );
  }
  const native = usable(load);
  if (native === null && setting === 'required') throw unusable('is required and was not built');
  return native ?? javascriptHashing;
}

function usable(load: () => NativeModule | null): Hashing | null {
  const module = load();
  if (module === null) return null;
  const native = nativeHashing(module);
  let isSame: boolean;
  try {
    isSame = agree(native, javascriptHashing);
  } catch (error) {
    throw unusable('is another module', error);
  }
  if (!isSame) throw unusable('gives other hashes than JavaScript');
  return native;
}

/** null: it was not built, or this process takes no native code at all. */
function loadNative(): NativeModule | null {
  const { createRequire } = nodeModule;
  if (typeof createRequire !== 'function') return null;
  let path: string;
  try {
    path = createRequire(import.meta.url).resolve(NATIVE_FILE);
  } catch {
    return null;
  }
  try {
    return createRequire(import.meta.url)(path) as NativeModule;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === SWITCHED_OFF) return null;
    throw unusable(`(${path}) cannot be loaded`, error);
  }
}

/**
 * A file that hashes otherwise (built from another version, damaged, exchanged) would call an intact
 * log tampered. To exchange it is to be able to exchange any file of the program: no defence.
 */
function agree(one: Hashing, other: Hashing): boolean {
  const records = sample();
  const [first, second] = [one, other].map(({ hashesAt }) => {
    const chain = asHash(new Uint8Array(HASH_LENGTH));
    const hashes = hashesAt({
      size: 0n,
      chain,
      last: new Uint8Array(0),
      frontier: chain.slice(32),
    });
    hashes.append(records, 0, records.count);
    return hashes;
  }) as [LogHashes, LogHashes];
  return equalBytes(first.frontier(), second.frontier()) && equalBytes(first.last(), second.last());
}

/** Bodies of 0, 9, 18 … bytes: SHA-256 pads them in every way it has. */
function sample(): RecordColumns {
  const count = 15;
  const bytes = Uint8Array.from({ length: 9 * count }, (_, at) => at);
  return {
    bytes,
    count,
    bodyStart: new Int32Array(count),
    bodyEnd: Int32Array.from({ length: count }, (_, index) => 9 * index),
    offsets: BigInt64Array.from({ length: count }, (_, index) => BigInt(index) << 31n),
    timestamps: BigInt64Array.from({ length: count }, (_, index) => -BigInt(index) << 40n),
    timestampType: 1,
  };
}

function unusable(what: string, cause?: unknown): SealstreamError {
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return new SealstreamError(
    'internal',
    `the native hashing ${what}${reason}; build it again with \`npm run build:native\`, or set ` +
      `${VARIABLE}=off to hash in JavaScript`,
    { cause },
  );
}
