import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { prove } from '../../consumer/prove/prove.js';
import { publicKeyToPem } from '../../ledger/keys.js';
import { completeEvent, encodeEvent } from '../../schemas/codec.js';
import { Desk, type Session } from '../support/cli.js';
import { FolderPlace } from '../support/folder-place.js';
import { MadeLedger } from '../support/made-ledger.js';

const ID = '0190A0B0-0000-7000-8000-00000000000A';
const OTHER_ID = '0190a0b0-0000-7000-8000-00000000000b';

const EVENT = encodeEvent(
  completeEvent({
    event_id: ID,
    occurred_at: new Date(0),
    action: 'test.publish',
    actor: { id: 'a' },
    origin: {},
  }),
);
/** Values that hold no event, whatever they begin like. */
const NO_EVENTS: readonly (Uint8Array | null)[] = [
  null,
  new Uint8Array(0),
  Buffer.from(ID),
  EVENT.subarray(0, EVENT.length - 1),
  Buffer.concat([EVENT.subarray(0, 10), Buffer.alloc(64, 0xff)]),
  Buffer.concat([Buffer.from([0xc3, 0x01]), Buffer.alloc(64, 0xfe)]),
  Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), Buffer.alloc(64, 0x7f)]),
];

describe('check holds a receipt against what it must be about', () => {
  let desk: Desk;
  let made: MadeLedger;
  before(async () => {
    desk = await Desk.open();
    const place = await FolderPlace.open();
    made = await MadeLedger.create(place.stream);
    const values = [EVENT, ...NO_EVENTS];
    const records = values.map((value) => ({ key: null, value, headers: [] }));
    for (const partition of [0, 1]) {
      await made.appendRecords(partition, records);
      await made.seal(partition);
    }
    const { ledger, topic, key } = made;
    const common = { stream: place.stream, ledger, topic, publicKey: key.publicKey };
    for (const partition of [0, 1]) {
      for (const index of values.keys()) {
        const proof = await prove({ ...common, partition, offset: BigInt(index) });
        await writeFile(desk.path(`${partition}-${index}.proof`), proof.receipt);
        await writeFile(desk.path(`${partition}-${index}.record`), proof.record);
      }
    }
    await writeFile(desk.path('key.pem'), publicKeyToPem(key.publicKey));
    await place.close();
  });
  after(() => desk.close());

  function check(name: string, ...words: string[]): Promise<Session> {
    const files = [`${name}.proof`, '--record', `${name}.record`, '--public-key', 'key.pem'];
    return desk.run(['check', ...files, ...words]);
  }

  it('says what it is about, for a person and for a program', async () => {
    const { code, stdout } = await check('1-0');
    assert.equal(code, 0);
    const topicId = made.description.topicId;
    for (const line of [
      `ledger     ${made.ledger}`,
      `topic      ${made.topic}, id ${topicId}`,
      'partition  1',
      'offset     0',
      'index      0',
      `event      ${ID}`,
    ]) {
      assert.ok(stdout.split('\n').includes(line), `${line} in ${stdout}`);
    }
    const { ledger, topic } = made;
    const document = JSON.parse((await check('1-2', '--json')).stdout) as object;
    const about = { ledger, topic, topicId, partition: 1, offset: '2', index: '2', event: null };
    assert.deepEqual({ ...document, ...about }, document);
  });

  it('takes what it is about', async () => {
    const all = ['--ledger', made.ledger, '--topic', made.topic, '--partition', '1'];
    const { code, stderr } = await check('1-0', ...all, '--offset', '0', '--event', ID);
    assert.equal(code, 0, stderr);
    assert.equal((await check('0-0', '--event', ID.toLowerCase())).code, 0);
  });

  it('refuses a true receipt of anything else, and says of what', async () => {
    const others: [string[], RegExp][] = [
      [['--ledger', `${made.ledger}2`], /ledger audit\.example\.com\/made, not audit\..*made2/],
      [['--topic', 'payments'], /topic audit, not payments/],
      [['--partition', '0'], /partition 1, not 0/],
      [['--offset', '1'], /offset 0, not 1/],
      [['--event', OTHER_ID], /event 0190a0b0-.*0a, not 0190a0b0-.*0b/],
      [['--topic', made.topic, '--offset', '3', '--partition', '2'], /partition 1.*offset 0/],
    ];
    for (const [pins, message] of others) {
      const { code, stdout, stderr } = await check('1-0', ...pins);
      assert.deepEqual([code, stdout], [1, ''], pins.join(' '));
      assert.match(
        stderr,
        /not proven: 1-0\.proof: the receipt holds, but is about something else/,
      );
      assert.match(stderr, message);
    }
    const { code, stdout } = await check('1-0', '--offset', '1', '--json');
    const { valid } = JSON.parse(stdout) as { valid: boolean };
    assert.deepEqual([code, valid], [1, false]);
  });

  it('finds no event in bytes that hold none, however they begin', async () => {
    for (const [at] of NO_EVENTS.entries()) {
      const { code, stderr } = await check(`0-${at + 1}`, '--event', ID);
      assert.equal(code, 1, stderr);
      assert.match(stderr, /event none, not 0190a0b0/);
    }
  });

  it('takes no pin that no receipt could fit', async () => {
    for (const [option, text] of [
      ['--ledger', 'a//b'],
      ['--topic', 'a b'],
      ['--partition', '-1'],
      ['--offset', '1.5'],
      ['--event', '17'],
    ]) {
      const { code, stderr } = await check('0-0', `${option}=${text}`);
      assert.equal(code, 64, stderr);
      assert.match(stderr, new RegExp(`${option}.*${text}`));
    }
  });
});
