import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BenchResult, ratio, ratios } from '../../../bench/harness/result.js';
import { type Summary, summarise } from '../../../bench/harness/statistics.js';
import { render, table } from '../../../bench/harness/table.js';

function summary(seconds: number): Summary {
  const run = { records: 1000, bytes: 300_000, cpuSeconds: 0.002, peakRssBytes: 80_000_000 };
  return summarise([{ ...run, seconds, details: { 'p99 ms': 5 } }]);
}

function result(kind: BenchResult['kind']): BenchResult {
  return {
    bench: 'seal-kafka',
    title: 'seal',
    kind,
    records: [1000],
    size: '300 bytes',
    partitions: 4,
    contenders: [
      { name: 'seal', ours: true, summary: summary(0.5), skipped: null, measurements: [] },
      { name: 'kafkajs', ours: false, summary: summary(2), skipped: null, measurements: [] },
      {
        name: 'Java',
        ours: false,
        summary: null,
        skipped: 'no `java` on the path',
        measurements: [],
      },
    ],
  };
}

test('a ratio above one is in favour of ours, whatever is measured', () => {
  assert.equal(ratio('rate', summary(0.5), summary(2)), 4);
  assert.equal(ratio('time', summary(0.5), summary(2)), 4);
  assert.deepEqual(ratios(result('rate')), { seal: { kafkajs: 4 } });
});

test('a table has a row for every contender, with its reason where it did not run', () => {
  assert.equal(
    render(result('rate')),
    [
      'seal-kafka: seal (1,000 records, 300 bytes, 4 partitions)',
      '',
      '| median (min–max)                     |           records/s | MB/s | CPU µs/record | peak RSS MB | seal ÷ this |',
      '| ------------------------------------ | ------------------: | ---: | ------------: | ----------: | ----------: |',
      '| seal                                 | 2,000 (2,000–2,000) |  0.6 |          2.00 |          80 |             |',
      '| kafkajs                              |       500 (500–500) |  0.2 |          2.00 |          80 |      4.00 × |',
      '| Java: skipped: no `java` on the path |                     |      |               |             |             |',
      '',
    ].join('\n'),
  );
});

test('times are shown in milliseconds, with the percentiles that were measured', () => {
  const lines = render(result('time')).split('\n');
  assert.match(lines[2] ?? '', /\| +ms \| p99 ms \| peak RSS MB \|/);
  assert.match(lines[4] ?? '', /\| +500\.00 \(500\.00–500\.00\) \| +5\.00 \| +80 \|/);
});

test('columns are as wide as their widest cell', () => {
  const rows = [
    ['a', 'bb'],
    ['ccc', 'd'],
  ];
  assert.equal(table(rows), '| a   | bb |\n| --- | -: |\n| ccc |  d |');
});
