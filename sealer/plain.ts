/** Errors and results as data that can be sent to another thread: structured cloning drops codes. */
import { type ErrorCode, SealstreamError } from '../ledger/error.js';
import type { SealedOnce } from './seal-once.js';

export interface PlainError {
  /** null: no SealstreamError. */
  readonly code: ErrorCode | null;
  readonly name: string;
  readonly message: string;
  readonly stack: string | null;
}

export type PlainSealedOnce = Omit<SealedOnce, 'error'> & { readonly error: PlainError | null };

export function plainError(error: unknown): PlainError {
  if (!(error instanceof Error)) {
    return { code: null, name: 'Error', message: String(error), stack: null };
  }
  const code = error instanceof SealstreamError ? error.code : null;
  return { code, name: error.name, message: error.message, stack: error.stack ?? null };
}

export function errorOf({ code, name, message, stack }: PlainError): Error {
  const error = code === null ? new Error(message) : new SealstreamError(code, message);
  error.name = name;
  if (stack !== null) error.stack = stack;
  return error;
}

export function plainSealed(sealed: SealedOnce): PlainSealedOnce {
  return { ...sealed, error: sealed.error && plainError(sealed.error) };
}

export function sealedOf(plain: PlainSealedOnce): SealedOnce {
  const error = plain.error && errorOf(plain.error);
  if (error === null || error instanceof SealstreamError) return { ...plain, error };
  throw error;
}

/** The results of several sealers as one sealer gives them: by topic, as asked, and partition. */
export function mergeSealed(
  shares: readonly (readonly SealedOnce[])[],
  topics: readonly string[],
): readonly SealedOnce[] {
  return shares
    .flat()
    .sort((a, b) => topics.indexOf(a.topic) - topics.indexOf(b.topic) || a.partition - b.partition);
}
