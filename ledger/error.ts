/**
 * The one error class. Every failure that a caller may want to tell apart has a code; every code
 * belongs to a class that says what to do about it:
 *
 *   retry   the world was not ready (outage, timeout): the same call may succeed later
 *   fatal   the call cannot succeed as it stands (wrong configuration, no rights, gone)
 *   data    bytes that came from outside are not what they must be; they are evidence, keep them
 */
export type ErrorClass = 'retry' | 'fatal' | 'data';

const CLASSES = {
  unreachable: 'retry',
  timeout: 'retry',
  'not-leader': 'retry',
  throttled: 'retry',
  busy: 'retry',

  usage: 'fatal',
  configuration: 'fatal',
  'key-unusable': 'fatal',
  unauthorized: 'fatal',
  unsupported: 'fatal',
  'topic-missing': 'fatal',
  'topic-recreated': 'fatal',
  'topic-unfit': 'fatal',
  'partition-missing': 'fatal',
  'offset-out-of-range': 'fatal',
  'log-diverged': 'fatal',
  'record-too-large': 'fatal',
  'record-rejected': 'fatal',
  'outcome-unknown': 'fatal',
  'acknowledged-lost': 'fatal',
  'memory-missing': 'fatal',
  'memory-conflict': 'fatal',
  'seal-refused': 'fatal',
  'not-sealed': 'fatal',
  closed: 'fatal',
  internal: 'fatal',

  malformed: 'data',
  'unknown-version': 'data',
  unsigned: 'data',
  'signature-invalid': 'data',
  'proof-invalid': 'data',
  'not-verified': 'data',
  'batch-corrupt': 'data',
  unreadable: 'data',
  'event-invalid': 'data',
  'input-invalid': 'data',
} as const satisfies Record<string, ErrorClass>;

export type ErrorCode = keyof typeof CLASSES;

export class SealstreamError extends Error {
  readonly code: ErrorCode;

  /** `message` says what happened, where, and what to do. */
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'SealstreamError';
    this.code = code;
  }

  /** What the caller can do about it: try again, give up, or keep the bytes as evidence. */
  get class(): ErrorClass {
    return CLASSES[this.code];
  }
}

/** `error` as a SealstreamError: itself, or wrapped as `code` with `context` before its message. */
export function asSealstreamError(
  error: unknown,
  code: ErrorCode,
  context: string,
): SealstreamError {
  if (error instanceof SealstreamError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new SealstreamError(code, `${context}: ${message}`, { cause: error });
}

/** Bytes or text that are not what the format allows. */
export function malformed(message: string, cause?: unknown): SealstreamError {
  return new SealstreamError('malformed', message, cause === undefined ? undefined : { cause });
}
