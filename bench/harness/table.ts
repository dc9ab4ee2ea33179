import { type BenchResult, type ContenderResult, ratio } from './result.js';
import type { Spread, Summary } from './statistics.js';

/** Columns as wide as their widest cell; the first one to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, cell.length);
    });
  }
  const lines = rows.map((row) =>
    row.map((cell, at) => pad(cell, widths[at] ?? 0, at === 0)).join(' | '),
  );
  const rule = widths.map((width, at) => (at === 0 ? '' : '-:').padStart(width, '-')).join(' | ');
  return [lines[0], rule, ...lines.slice(1)].map((line) => `| ${line} |`).join('\n');
}

function pad(cell: string, width: number, toTheLeft: boolean): string {
  return toTheLeft ? cell.padEnd(width) : cell.padStart(width);
}

/** A title and a table that Markdown shows as one. */
export function render(result: BenchResult): string {
  const ours = result.contenders.filter((contender) => contender.ours && contender.summary);
  const title = `${result.bench}: ${result.title}`;
  const head = `${title} (${result.records.map(count).join(', ')} records, ${result.size}, ${count(
    result.partitions,
  )} partitions)`;
  const names = detailsOf(result);
  const heading = [
    'median (min–max)',
    ...(result.kind === 'rate'
      ? ['records/s', 'MB/s', 'CPU µs/record']
      : ['ms', ...names.map((name) => name)]),
    'peak RSS MB',
    ...ours.map(({ name }) => `${name} ÷ this`),
  ];
  const rows = result.contenders.map((contender) => row(result, contender, ours, names, heading));
  return `${head}\n\n${table([heading, ...rows])}\n`;
}

function row(
  result: BenchResult,
  { name, summary, skipped }: ContenderResult,
  ours: readonly ContenderResult[],
  details: readonly string[],
  heading: readonly string[],
): string[] {
  if (summary === null) {
    return heading.map((_, at) => (at === 0 ? `${name}: skipped: ${skipped}` : ''));
  }
  const compared = ours.map((one) =>
    one.summary === null || one.summary === summary
      ? ''
      : `${ratio(result.kind, one.summary, summary).toFixed(2)} ×`,
  );
  const peak = decimal(summary.peakRssBytes.max / 1e6, 0);
  return [name, ...figures(result, summary, details), peak, ...compared];
}

function figures(result: BenchResult, summary: Summary, details: readonly string[]): string[] {
  if (result.kind === 'time') {
    const extra = details.map((name) => decimal(summary.details[name]?.median ?? Number.NaN, 2));
    return [range(summary.seconds, 1e3, 2), ...extra];
  }
  const records = summary.recordsPerSecond.median * summary.seconds.median;
  return [
    range(summary.recordsPerSecond, 1, 0),
    decimal(summary.megabytesPerSecond.median, 1),
    decimal((summary.cpuSeconds.median / records) * 1e6, 2),
  ];
}

function detailsOf(result: BenchResult): string[] {
  const names = result.contenders.flatMap(({ summary }) => Object.keys(summary?.details ?? {}));
  return [...new Set(names)];
}

function range({ median, min, max }: Spread, factor: number, digits: number): string {
  const [middle, low, high] = [median, min, max].map((value) => decimal(value * factor, digits));
  return `${middle} (${low}–${high})`;
}

function decimal(value: number, digits: number): string {
  if (Number.isNaN(value)) return '';
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
