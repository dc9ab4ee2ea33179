import { SealstreamError } from '../../ledger/error.js';
import type { AuditEventInput } from '../../schemas/generated.js';

/**
 * What a source brings, one piece at a time: an event, or a piece of input that is none. `place` is
 * `file:line` or the nearest thing the input has. After an error the source goes on with the next
 * piece where the input still shows where that begins.
 */
export type Sourced =
  | { readonly event: AuditEventInput; readonly place: string }
  | { readonly error: SealstreamError; readonly place: string };

export function inputError(place: string, what: string, cause?: unknown): Sourced {
  const error = new SealstreamError('input-invalid', `${place}: ${what}`, { cause });
  return { error, place };
}

/** `make`'s event, or its failure as this piece's error. */
export function sourced(place: string, make: () => AuditEventInput): Sourced {
  try {
    return { event: make(), place };
  } catch (error) {
    if (error instanceof SealstreamError || error instanceof SyntaxError) {
      return inputError(place, error.message, error);
    }
    throw error;
  }
}
