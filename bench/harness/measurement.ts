/** What a contender prints, as one line of JSON, when it is done. */
export interface Measurement {
  readonly records: number;
  /** Of the records' bodies: key, value and headers with their lengths. */
  readonly bytes: number;
  /** By the contender's own clock: from its first request to its last record. */
  readonly seconds: number;
  /** User and system time of the whole process in those seconds. */
  readonly cpuSeconds: number;
  /** Of the process since it began. */
  readonly peakRssBytes: number;
  /** What only some contenders know, such as percentiles. */
  readonly details?: Readonly<Record<string, number>>;
}

/** Throws where `text` does not end with a line that is a Measurement. */
export function parseMeasurement(text: string): Measurement {
  const line = text.trimEnd().split('\n').at(-1) ?? '';
  const value = JSON.parse(line) as Measurement;
  for (const name of ['records', 'bytes', 'seconds', 'cpuSeconds', 'peakRssBytes'] as const) {
    if (!Number.isFinite(value[name])) throw new Error(`a contender printed no ${name}: ${line}`);
  }
  return value;
}
