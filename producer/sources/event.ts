import { asSealstreamError } from '../../ledger/error.js';
import { checkOptions, type Kinds, optional, wholeNumber } from '../../ledger/given.js';
import { fromJson } from '../../schemas/json.js';
import { readLines } from './lines.js';
import { inputError, type Sourced, sourced } from './source.js';

export interface EventSourceOptions {
  /** Longest line, in bytes. Default 4 MiB. */
  readonly maxLineBytes?: number;
}

const OPTIONS: Kinds<EventSourceOptions> = { maxLineBytes: optional(wholeNumber(1)) };

const DEFAULT_MAX_LINE_BYTES = 4 * 1024 * 1024;

/**
 * NDJSON: one AuditEvent per line in the form of schemas/json.ts. Empty lines are skipped; a line
 * that is too long, no UTF-8, no JSON or no event is an error with `name:line`, and the rest goes on.
 */
export async function* eventSource(
  input: AsyncIterable<Uint8Array>,
  name: string,
  given: EventSourceOptions = {},
): AsyncGenerator<Sourced> {
  const options = checkOptions(given, OPTIONS, 'eventSource');
  const limit = options.maxLineBytes ?? DEFAULT_MAX_LINE_BYTES;
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const { number, bytes } of readLines(input, limit)) {
      const place = `${name}:${number}`;
      if (bytes === null) {
        yield inputError(place, `the line is longer than ${limit} bytes`);
        continue;
      }
      let text: string;
      try {
        text = decoder.decode(bytes);
      } catch (error) {
        yield inputError(place, 'the line is no UTF-8 text', error);
        continue;
      }
      if (text.trim() !== '') yield sourced(place, () => fromJson(JSON.parse(text)));
    }
  } catch (error) {
    yield {
      error: asSealstreamError(error, 'input-invalid', `${name}: cannot be read`),
      place: name,
    };
  }
}
