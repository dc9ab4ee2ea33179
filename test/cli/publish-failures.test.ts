import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { partitionFor } from '../../stream/default-partitioner.js';
import { Desk } from '../support/cli.js';

interface Unpublished {
  readonly place: string;
  readonly code: string;
  readonly message: string;
}

interface PublishDocument {
  readonly published: number;
  readonly refused: readonly Unpublished[];
  readonly failed: readonly Unpublished[];
  readonly unknown: number;
  readonly failure: string | null;
}

const LINES = 10;
const TENANTS = Array.from({ length: LINES }, (_, at) => `t${at + 1}`);
/** More than are under way at once. */
const MANY = 25_000;

async function writeEvents(desk: Desk, tenants: readonly string[]): Promise<void> {
  const lines = tenants.map((tenant_id) => `${JSON.stringify({ action: 'a', tenant_id })}\n`);
  await writeFile(desk.path('events.ndjson'), lines.join(''));
}

/** A ledger of two partitions, the second of which nothing can be written to. */
async function withBrokenPartition(body: (desk: Desk) => Promise<void>): Promise<void> {
  const desk = await Desk.open();
  try {
    await desk.run(['init', '--ledger', 'audit.example.com/test', '--partitions', '2']);
    assert.equal((await desk.run(['apply'])).code, 0);
    const segment = desk.path('data', 'audit-1', '00000000000000000000.log');
    await rm(segment);
    await mkdir(segment);
    await writeEvents(desk, TENANTS);
    await body(desk);
  } finally {
    await desk.close();
  }
}

test('publish names every line that the stream did not take, and the counts add up', () =>
  withBrokenPartition(async (desk) => {
    const { code, stdout, stderr } = await desk.run(['publish', '--json', 'events.ndjson']);
    assert.equal(code, 70, stderr);
    const { published, refused, failed, unknown, failure } = JSON.parse(stdout) as PublishDocument;
    assert.ok(published > 0 && failed.length > 0, stdout);
    assert.equal(published + refused.length + failed.length + unknown, LINES, stdout);
    for (const { place, code: why, message } of failed) {
      assert.match(place, /^events\.ndjson:\d+$/);
      assert.notEqual(why, '');
      assert.match(message, /topic audit partition 1/);
      assert.ok(stderr.includes(`${place}: not published: ${message}\n`), stderr);
    }
    assert.equal(new Set(failed.map(({ place }) => place)).size, failed.length);
    assert.equal(failure, failed[0]?.message);
  }));

test('publish says how many lines were not published', () =>
  withBrokenPartition(async (desk) => {
    const { code, stdout, stderr } = await desk.run(['publish', 'events.ndjson']);
    assert.equal(code, 70, stderr);
    const told = stderr.match(/^events\.ndjson:\d+: not published: .*partition 1/gm) ?? [];
    const [, published, failed] =
      /^(\d+) events? published to audit, (\d+) not published\n$/.exec(stdout) ?? [];
    assert.equal(Number(failed), told.length, stdout);
    assert.equal(Number(published) + Number(failed), LINES, stdout);
  }));

test('publish says how far it read before a failure ended the run', () =>
  withBrokenPartition(async (desk) => {
    const broken = TENANTS.find((tenant) => partitionFor(Buffer.from(tenant), 2) === 1) ?? '';
    await writeEvents(desk, Array<string>(MANY).fill(broken));
    const { code, stdout, stderr } = await desk.run(['publish', '--json', 'events.ndjson']);
    assert.equal(code, 70);
    const { published, failed } = JSON.parse(stdout) as PublishDocument;
    assert.equal(published, 0);
    assert.ok(failed.length < MANY, String(failed.length));
    assert.match(stderr, new RegExp(`^events\\.ndjson:${failed.length}: read last`, 'm'));
  }));
