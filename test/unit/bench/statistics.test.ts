import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseMeasurement } from '../../../bench/harness/measurement.js';
import { percentile, spreadOf, summarise } from '../../../bench/harness/statistics.js';

test('the median is the middle value, or between the two in the middle', () => {
  assert.deepEqual(spreadOf([5, 1, 3]), { median: 3, min: 1, max: 5 });
  assert.deepEqual(spreadOf([10, 1, 2, 4]), { median: 3, min: 1, max: 10 });
  assert.deepEqual(spreadOf([7]), { median: 7, min: 7, max: 7 });
  assert.throws(() => spreadOf([]), /no values/);
});

test('half of the values are at or below the median, and half at or above it', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
      const { median, min, max } = spreadOf(values);
      assert.ok(values.filter((value) => value <= median).length * 2 >= values.length);
      assert.ok(values.filter((value) => value >= median).length * 2 >= values.length);
      assert.equal(min, Math.min(...values));
      assert.equal(max, Math.max(...values));
    }),
  );
});

test('a percentile is one of the values', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  assert.equal(percentile(hundred, 0.5), 50);
  assert.equal(percentile(hundred, 0.99), 99);
  assert.equal(percentile(hundred, 1), 100);
  assert.equal(percentile([4, 9], 0.99), 9);
  assert.throws(() => percentile([], 0.5), /no values/);
});

test('runs become rates before their median is taken', () => {
  const run = { bytes: 3_000_000, cpuSeconds: 2, peakRssBytes: 100 };
  const summary = summarise([
    { ...run, records: 1000, seconds: 1, details: { p50: 4 } },
    { ...run, records: 1000, seconds: 2, details: { p50: 8 } },
    { ...run, records: 1000, seconds: 4, details: { p50: 6 } },
  ]);
  assert.deepEqual(summary.recordsPerSecond, { median: 500, min: 250, max: 1000 });
  assert.deepEqual(summary.megabytesPerSecond, { median: 1.5, min: 0.75, max: 3 });
  assert.deepEqual(summary.details, { p50: { median: 6, min: 4, max: 8 } });
  assert.equal(summary.runs, 3);
});

test('a contender speaks in the last line that it prints', () => {
  const line = '{"records":1,"bytes":2,"seconds":0.5,"cpuSeconds":0.1,"peakRssBytes":3}';
  assert.equal(parseMeasurement(`{"a":"document"}\n${line}\n`).seconds, 0.5);
  assert.throws(() => parseMeasurement('{"records":1}'), /printed no bytes/);
  assert.throws(() => parseMeasurement(line.replace('0.5', 'null')), /printed no seconds/);
  assert.throws(() => parseMeasurement(''), SyntaxError);
});
