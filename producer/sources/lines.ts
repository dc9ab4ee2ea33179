/** Lines of a byte stream, at most `limit` bytes each; of a longer one only its number is told. */
export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without its LF; null: longer than the limit. */
  readonly bytes: Uint8Array | null;
}

const LINE_FEED = 0x0a;

export async function* readLines(
  input: AsyncIterable<Uint8Array>,
  limit: number,
): AsyncGenerator<Line> {
  let number = 1;
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of input) {
    let start = 0;
    for (;;) {
      const found = chunk.indexOf(LINE_FEED, start);
      const part = chunk.subarray(start, found < 0 ? chunk.length : found);
      length += part.length;
      // What is over the limit is counted and not kept.
      if (length <= limit) parts.push(part);
      else parts = [];
      if (found < 0) break;
      yield { number, bytes: length <= limit ? Buffer.concat(parts) : null };
      number++;
      parts = [];
      length = 0;
      start = found + 1;
    }
  }
  if (length > 0) yield { number, bytes: length <= limit ? Buffer.concat(parts) : null };
}
