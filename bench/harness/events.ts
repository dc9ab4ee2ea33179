import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cloudTrailSource } from '../../producer/sources/cloudtrail.js';
import type { AuditEventInput } from '../../schemas/generated.js';

/** What a publishing contender is told to make its events from. */
export type EventRecipe =
  | { readonly kind: 'made'; readonly padding: number }
  | { readonly kind: 'cloudtrail'; readonly folder: string };

const COUNT = 1000;
const ACTORS = 97;

/** Some hundred different events, to be published again and again. */
export async function eventsOf(recipe: EventRecipe): Promise<AuditEventInput[]> {
  if (recipe.kind === 'cloudtrail') return cloudTrailEvents(recipe.folder);
  return Array.from({ length: COUNT }, (_, index) => madeEvent(index, recipe.padding));
}

/** A typical event; `padding` characters of text bring it to a size. */
function madeEvent(index: number, padding: number): AuditEventInput {
  return {
    action: 'invoice.approve',
    category: 'ENTITY_CHANGE',
    operation: 'UPDATE',
    outcome: { status: 'SUCCESS' },
    actor: { type: 'USER', id: `user-${1000 + (index % ACTORS)}` },
    resources: [{ type: 'invoice', id: `invoice-${100_000 + index}` }],
    ...(padding === 0 ? {} : { attributes: { note: 'n'.repeat(padding) } }),
  };
}

async function cloudTrailEvents(folder: string): Promise<AuditEventInput[]> {
  const events: AuditEventInput[] = [];
  for (const name of (await readdir(folder)).filter((file) => /\.json(\.gz)?$/.test(file)).sort()) {
    for await (const piece of cloudTrailSource(createReadStream(join(folder, name)), name)) {
      if ('event' in piece) events.push(piece.event);
    }
  }
  if (events.length === 0) throw new Error(`${folder} holds no CloudTrail event`);
  return events;
}
