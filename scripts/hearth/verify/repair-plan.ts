import { REPAIRABLE } from '../../../functions/shared/verification/fault.ts'
import {
  REPAIR_EVIDENCE,
  REPAIR_KEYS,
  type RepairRequest,
} from '../../../functions/shared/verification/repair-request.ts'
import { baseNameOf, fromBaseName, hashPartOf, type StorePath } from '../../../nix/store-path.ts'
import type { Inventory } from './inventory.ts'

const SCHEMA = `
  CREATE TABLE going (
    id INTEGER PRIMARY KEY, because INTEGER, elsewhere INTEGER, spread INTEGER NOT NULL DEFAULT 0, referrers INTEGER, layer INTEGER,
    asked INTEGER NOT NULL DEFAULT 0, content INTEGER NOT NULL);
  CREATE INDEX going_by_spread ON going (spread);
  CREATE INDEX going_by_layer ON going (asked, layer);
  CREATE TABLE record (hash_part TEXT NOT NULL, id INTEGER PRIMARY KEY);
`
const KEY = "substr(path.base, 1, 32) || '.narinfo'"

/**
 * Which narinfos have to go, and in which order, worked out within the inventory's database: those at fault; whatever refers to one that goes,
 * unless clients find that in an upstream; and the other outputs of its build.
 */
export class RepairPlan {
  readonly #inventory: Inventory

  constructor(inventory: Inventory) {
    this.#inventory = inventory
    for (const column of ['reference', 'referrer']) inventory.index('reference', column)
    inventory.index('path', 'deriver')
    inventory.database.exec(SCHEMA)
    const names = [...REPAIRABLE].map((name) => `'${name}'`).join(', ')
    inventory.run(
      `INSERT INTO going (id, content) SELECT path.id, max(fault.fault IN ('nar-bytes', 'nar-references'))
       FROM fault JOIN path ON path.base >= substr(fault.key, 1, 32) AND path.base < substr(fault.key, 1, 32) || '.'
       WHERE fault.fault IN (${names}) AND path.state IN (1, 4) GROUP BY path.id`,
    )
  }

  /** Narinfos of which nobody can tell what they are an output of: their derivations' records have to be searched for. */
  hasStrangers(): boolean {
    return this.#inventory.count(`SELECT count(*) FROM going JOIN path USING (id) WHERE path.state = 4`) > 0
  }

  /** Whether a path with this hash part is in the cache, and its narinfo can be read. */
  isVisible(hashPart: string): boolean {
    const sql = `SELECT count(*) FROM path WHERE base > ?1 || '-' AND base < ?1 || '.' AND state = 1`
    return this.#inventory.count(sql, hashPart) > 0
  }

  /**
   * Takes in a record of which outputs belong together.
   * @param hashPart the name of the record
   */
  addRecord(hashPart: string, deriver: StorePath, outputs: StorePath[]): void {
    const inventory = this.#inventory
    const isFound = this.isVisible(hashPart)
    for (const output of outputs) {
      const stranger = inventory.count('SELECT id FROM path WHERE base = ? AND state = 4', hashPartOf(output))
      if (stranger !== 0)
        inventory.run('UPDATE path SET deriver = ? WHERE id = ?', baseNameOf(deriver), stranger)
      // a record that is named for a visible output is found by that
      const visible = isFound
        ? 0
        : inventory.count('SELECT id FROM path WHERE base = ? AND state = 1', baseNameOf(output))
      for (const id of [stranger, visible])
        if (id !== 0) inventory.run('INSERT OR REPLACE INTO record VALUES (?, ?)', hashPart, id)
    }
  }

  /** Paths that go, and of which nobody has asked yet whether clients find them elsewhere. */
  *unasked(): Generator<{ id: number; path: StorePath | undefined }> {
    const rows = this.#inventory.each(
      'SELECT id, base, state FROM going JOIN path USING (id) WHERE spread = 0 AND elsewhere IS NULL',
    )
    for (const row of rows)
      yield {
        id: Number(row['id']),
        path: row['state'] === 4 ? undefined : fromBaseName(String(row['base'])),
      }
  }

  setElsewhere(id: number, isElsewhere: boolean): void {
    this.#inventory.run('UPDATE going SET elsewhere = ? WHERE id = ?', isElsewhere ? 1 : 0, id)
  }

  /** One step from what was asked for to what goes with it. @returns whether there was anything new */
  spread(): boolean {
    const inventory = this.#inventory
    const referrers = inventory.run(
      `INSERT OR IGNORE INTO going (id, because, content)
       SELECT reference.referrer, going.id, 0 FROM going JOIN reference ON reference.reference = going.id
       WHERE going.spread = 0 AND going.elsewhere = 0 AND reference.referrer <> reference.reference`,
    )
    const siblings = inventory.run(
      `INSERT OR IGNORE INTO going (id, because, content)
       SELECT sibling.id, going.id, 0 FROM going JOIN path USING (id) JOIN path AS sibling ON sibling.deriver = path.deriver
       WHERE going.spread = 0 AND going.elsewhere IS NOT NULL AND sibling.state IN (1, 4)`,
    )
    inventory.run('UPDATE going SET spread = 1 WHERE spread = 0 AND elsewhere IS NOT NULL')
    return referrers + siblings > 0
  }

  /** Puts every narinfo that goes into a layer: whatever refers to another one is in an earlier layer. Looks at every reference once. */
  order(): void {
    const inventory = this.#inventory
    // a narinfo that cannot be read comes after those that mean it
    inventory.run(
      `INSERT INTO reference SELECT reference.referrer, stranger.id FROM going JOIN path AS stranger ON stranger.id = going.id
       JOIN path AS meant ON meant.base > stranger.base AND meant.base < stranger.base || '.'
       JOIN reference ON reference.reference = meant.id WHERE stranger.state = 4`,
    )
    inventory.run(
      `UPDATE going SET referrers = (SELECT count(*) FROM reference JOIN going AS referrer ON referrer.id = reference.referrer
         WHERE reference.reference = going.id AND reference.referrer <> going.id)`,
    )
    let frontier = [...inventory.each('SELECT id FROM going WHERE referrers = 0')].map((row) =>
      Number(row['id']),
    )
    let layer = 0
    for (; frontier.length > 0; layer++) frontier = frontier.flatMap((id) => this.#place(id, layer))
    // what is left refers to itself in a circle, which no build can make: it goes last
    inventory.run('UPDATE going SET layer = ? WHERE layer IS NULL', layer)
  }

  /** @returns what no other narinfo that goes refers to any more */
  #place(id: number, layer: number): number[] {
    this.#inventory.run('UPDATE going SET layer = ? WHERE id = ?', layer, id)
    const references = this.#inventory.each(
      'SELECT reference FROM reference WHERE referrer = ?1 AND reference <> ?1',
      id,
    )
    return [...references].flatMap((row) => {
      const reference = Number(row['reference'])
      const sql = 'UPDATE going SET referrers = referrers - 1 WHERE id = ? RETURNING referrers = 0'
      return this.#inventory.count(sql, reference) === 1 ? [reference] : []
    })
  }

  count(): number {
    return this.#inventory.count('SELECT count(*) FROM going')
  }

  /** The next request, referrers first. Ask for another one when this one is done: `keep` changes what is left. */
  next(): RepairRequest | undefined {
    const inventory = this.#inventory
    for (let most = REPAIR_KEYS; ; most = Math.ceil(most / 2)) {
      const rows = inventory.each('SELECT id FROM going WHERE asked = 0 ORDER BY layer, id LIMIT ?', most)
      const ids = [...rows].map((row) => Number(row['id'])).join(', ')
      if (ids === '') return undefined
      const request = this.#request(ids)
      // Fewer keys need less evidence; no path is so deep that one alone needs too much.
      if (request.evidence.length > REPAIR_EVIDENCE && most > 1) continue
      inventory.run(`UPDATE going SET asked = 1 WHERE id IN (${ids})`)
      return request
    }
  }

  /** @param ids separated by commas */
  #request(ids: string): RepairRequest {
    const keys = this.#keys(
      `SELECT ${KEY} AS key, going.content FROM going JOIN path USING (id) WHERE id IN (${ids}) ORDER BY layer, id`,
    )
    // What leads from a key to what is at fault, and the outputs of the same builds, those that went already, too.
    const evidence = this.#keys(
      `WITH RECURSIVE chain (id) AS (
         SELECT id FROM going WHERE id IN (${ids})
         UNION SELECT going.because FROM chain JOIN going USING (id) WHERE going.because IS NOT NULL),
       wanted (id) AS (
         SELECT id FROM chain
         UNION SELECT sibling.id FROM path JOIN path AS sibling ON sibling.deriver = path.deriver
           WHERE path.id IN (${ids}) AND sibling.state IN (1, 4))
       SELECT ${KEY} AS key, going.content FROM wanted JOIN path USING (id) LEFT JOIN going USING (id)
         WHERE path.id NOT IN (${ids})
       UNION SELECT quarantined.hash_part || '.narinfo', 0 FROM path JOIN quarantined USING (deriver) WHERE path.id IN (${ids})`,
    )
    const named = new Set(keys.map(({ key }) => key))
    return {
      keys: [...named],
      evidence: [...new Set(evidence.map(({ key }) => key))].filter((key) => !named.has(key)),
      content: [...new Set([...keys, ...evidence].flatMap(({ key, content }) => (content ? [key] : [])))],
      records: this.#records(ids),
    }
  }

  /** Of a key that stays: then what it refers to stays as well. @returns how many of those there are */
  keep(key: string): number {
    const hashPart = key.slice(0, 32)
    return this.#inventory.run(
      `WITH RECURSIVE staying (id) AS (
         SELECT id FROM path WHERE base >= ?1 AND base < ?1 || '.'
         UNION SELECT reference.reference FROM staying JOIN reference ON reference.referrer = staying.id
           JOIN going ON going.id = reference.reference AND going.elsewhere = 0)
       DELETE FROM going WHERE asked = 0 AND id IN (SELECT id FROM staying)`,
      hashPart,
    )
  }

  #keys(sql: string): { key: string; content: boolean }[] {
    return [...this.#inventory.each(sql)].map((row) => ({
      key: String(row['key']),
      content: row['content'] === 1,
    }))
  }

  #records(list: string): string[] {
    const rows = this.#inventory.each(
      `SELECT DISTINCT record.hash_part FROM record JOIN path AS output ON output.id = record.id
       WHERE output.deriver IN (SELECT deriver FROM path WHERE id IN (${list})) LIMIT ${REPAIR_EVIDENCE}`,
    )
    return [...rows].map((row) => String(row['hash_part']))
  }
}
