/**
 * What callers give. To look at it may run code of theirs (getters, proxies), which may throw, show
 * something else at the next look, or claim any length. So each value is read once, checked, and
 * copied; what they throw is the cause of an error of ours and never its message.
 */
import { SealstreamError } from './error.js';
import { PUBLIC_KEY_LENGTH, type PublicKey, publicKeyFromBytes } from './keys.js';

/** Checks the value that is called `where`, and gives it or a copy. Throws `usage`. */
export type Kind<T> = (value: unknown, where: string) => T;

/** One for each option: whoever adds an option has to say here what it must be. */
export type Kinds<T> = { readonly [K in keyof T]-?: Kind<T[K]> };

type Fields = Readonly<Record<PropertyKey, unknown>>;

export function usage(where: string, what: string, cause?: unknown): SealstreamError {
  return new SealstreamError('usage', `${where} ${what}`, cause === undefined ? {} : { cause });
}

/** Says the type and never the value, which may be personal or secret. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  return isList(value) ? 'an array' : typeof value;
}

/** A proxy that was revoked throws when it is asked; it is none. */
export function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

const typedArray: object = Object.getPrototypeOf(Uint8Array.prototype);
const tagOf = Object.getOwnPropertyDescriptor(typedArray, Symbol.toStringTag)?.get;
const lengthOf = Object.getOwnPropertyDescriptor(typedArray, 'length')?.get;

/** What is one by its nature: no proxy, and nothing that merely inherits from Uint8Array. */
export function isBytes(value: unknown): value is Uint8Array {
  return tagOf?.call(value) === 'Uint8Array';
}

/** The true one, whatever a property of that name says; 0 where the buffer was given away. */
export function lengthOfBytes(value: Uint8Array): number {
  return lengthOf?.call(value);
}

/** null: the buffer was given away (detached). */
export function copyOfBytes(value: Uint8Array): Uint8Array | null {
  try {
    return new Uint8Array(value);
  } catch {
    return null;
  }
}

const THREW = 'cannot be read: looking at it threw';

/** Reads of an object, each of which runs the caller's code; `refuse` makes an error of what it throws. */
export class Looker {
  readonly #refuse: (where: string, what: string, cause: unknown) => SealstreamError;

  constructor(refuse: (where: string, what: string, cause: unknown) => SealstreamError) {
    this.#refuse = refuse;
  }

  field(of: object, name: PropertyKey, where: string): unknown {
    try {
      return (of as Fields)[name];
    } catch (cause) {
      throw this.#refuse(where, THREW, cause);
    }
  }

  /** Own and enumerable, text only. */
  keys(of: object, where: string): readonly string[] {
    return this.#look(() => Object.keys(of), where);
  }

  /** Not of a class; `{}` of another realm is plain too. */
  isPlain(of: object, where: string): boolean {
    return this.#look(() => {
      const prototype: unknown = Object.getPrototypeOf(of);
      return prototype === null || Object.getPrototypeOf(prototype) === null;
    }, where);
  }

  /** An array's length, whatever it claims. */
  length(of: readonly unknown[], where: string): number {
    const length: unknown = this.field(of, 'length', where);
    if (typeof length === 'number' && Number.isSafeInteger(length) && length >= 0) return length;
    throw this.#refuse(where, 'is an array without a length', undefined);
  }

  #look<T>(look: () => T, where: string): T {
    try {
      return look();
    } catch (cause) {
      throw this.#refuse(where, THREW, cause);
    }
  }
}

const looker = new Looker(usage);

/**
 * The options as a plain object of their own, absent ones left out. Throws `usage` where one is not
 * what it must be, or is not known.
 */
export function checkOptions<T extends object>(given: unknown, kinds: Kinds<T>, where: string): T {
  return readMembers(checkNames(given, Object.keys(kinds), where), kinds, where);
}

function readMembers<T extends object>(from: object, kinds: Kinds<T>, where: string): T {
  const checked: [string, unknown][] = [];
  for (const [name, kind] of Object.entries<Kind<unknown>>(kinds)) {
    const at = `${where}: ${name}`;
    const value = kind(looker.field(from, name, at), at);
    if (value !== undefined) checked.push([name, value]);
  }
  return Object.fromEntries(checked) as T;
}

/** `given` where it has no other names than these. Throws `usage`. */
export function checkNames(given: unknown, known: readonly string[], where: string): object {
  if (typeof given !== 'object' || given === null || isList(given)) {
    throw usage(where, `must be an object, not ${typeName(given)}`);
  }
  const unknown = looker.keys(given, where).find((name) => !known.includes(name));
  if (unknown === undefined) return given;
  const name = JSON.stringify(unknown.slice(0, 100));
  throw usage(where, `has no ${name}: there are ${known.join(', ')}`);
}

/** What is named of an object that may hold more. */
export function members<T extends object>(kinds: Kinds<T>): Kind<T> {
  return (value, where) => {
    if (typeof value !== 'object' || value === null) {
      throw usage(where, `must be an object, not ${typeName(value)}`);
    }
    return readMembers(value, kinds, where);
  };
}

/** An options object inside of another. */
export function options<T extends object>(kinds: Kinds<T>): Kind<T> {
  return (value, where) => checkOptions(value, kinds, where);
}

export function optional<T>(kind: Kind<T>): Kind<T | undefined> {
  return (value, where) => (value === undefined ? undefined : kind(value, where));
}

export function orNull<T>(kind: Kind<T>): Kind<T | null> {
  return (value, where) => (value === null ? null : kind(value, where));
}

/** A copy; `most`: how many are looked at. */
export function listOf<T>(kind: Kind<T>, most: number): Kind<readonly T[]> {
  return (value, where) => {
    if (!isList(value)) throw usage(where, `must be an array, not ${typeName(value)}`);
    const length = looker.length(value, where);
    if (length > most) throw usage(where, `has ${length} items, more than ${most}`);
    return Array.from({ length }, (_, at) => {
      const place = `${where}/${at}`;
      return kind(looker.field(value, at, place), place);
    });
  };
}

function fitting<T>(what: string, fits: (value: unknown) => value is T): Kind<T> {
  return (value, where) => {
    if (fits(value)) return value;
    const got = typeof value === 'number' ? String(value) : typeName(value);
    throw usage(where, `must be ${what}, not ${got}`);
  };
}

export const text = fitting('text', (value) => typeof value === 'string');
export const flag = fitting('true or false', (value) => typeof value === 'boolean');
/** Its range is for whoever takes it to check. */
export const number = fitting('a number', (value) => typeof value === 'number');
export const bigint = fitting('a bigint', (value) => typeof value === 'bigint');
export const bytes = fitting('bytes (Uint8Array)', isBytes);

export const publicKey: Kind<PublicKey> = (value, where) => {
  if (isBytes(value) && lengthOfBytes(value) === PUBLIC_KEY_LENGTH)
    return publicKeyFromBytes(value);
  throw usage(where, `must be a public key: ${PUBLIC_KEY_LENGTH} bytes`);
};

export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): Kind<number> {
  const upTo = most < Number.MAX_SAFE_INTEGER ? ` to ${most}` : '';
  return fitting(`a whole number from ${least}${upTo}`, (value): value is number => {
    return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
  });
}

/** A time to wait: what the runtime's timers can wait for, 24 days. */
export const milliseconds = wholeNumber(1, 0x7fffffff);

/** A function, for which `F` stands unchecked: only calling it shows what it gives. */
export function callable<F>(): Kind<F> {
  return fitting('a function', (value): value is F => typeof value === 'function');
}

/** An object, used as it is, of which is known that it has these methods. */
export function having<T extends object>(what: string, ...methods: readonly (keyof T)[]): Kind<T> {
  return (value, where) => {
    if (typeof value !== 'object' || value === null) {
      throw usage(where, `must be ${what}, not ${typeName(value)}`);
    }
    for (const method of methods) {
      if (typeof looker.field(value, method, where) === 'function') continue;
      throw usage(where, `must be ${what}: it has no method ${String(method)}`);
    }
    return value as T;
  };
}

export const signal = having<AbortSignal>(
  'an AbortSignal',
  'addEventListener',
  'removeEventListener',
  'throwIfAborted',
);

/**
 * `inner` for those outside the package: its arguments are checked, and what is thrown that is none
 * of our errors is about one of them (a member that is not what its type says, a getter that throws).
 */
export function taking<A extends readonly unknown[], R>(
  name: string,
  kinds: { readonly [K in keyof A]: Kind<A[K]> },
  inner: (...given: A) => R,
): (...given: A) => R {
  return (...given: A): R => {
    const checked = kinds.map((kind, at) => kind(given[at], `${name}: argument ${at + 1}`));
    try {
      return inner(...(checked as unknown as A));
    } catch (error) {
      if (error instanceof SealstreamError) throw error;
      throw usage(name, 'cannot take this: an argument is not what its type says', error);
    }
  };
}
