import { REPAIRABLE } from '../../../functions/shared/verification/fault.ts'
import {
  REPAIR_EVIDENCE,
  REPAIR_KEYS,
  type RepairRequest,
} from '../../../functions/shared/verification/repair-request.ts'
import { fromBaseName, hashPartOf, type StorePath } from '../../../nix/store-path.ts'
import type { Inventory } from './inventory.ts'

const SCHEMA = `
  CREATE TABLE going (
    id INTEGER PRIMARY KEY, because INTEGER, elsewhere INTEGER, layer INTEGER, asked INTEGER NOT NULL DEFAULT 0, content INTEGER NOT NULL);
  CREATE INDEX going_by_layer ON going (layer);
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

  /**
   * Takes in a record of which outputs belong together.
   * @param hashPart the name of the record
   */
  addRecord(hashPart: string, deriver: StorePath, outputs: StorePath[]): void {
    for (const output of outputs) {
      const stranger = this.#inventory.count(
        'SELECT id FROM path WHERE base = ? AND state = 4',
        hashPartOf(output),
      )
      if (stranger === 0) continue
      this.#inventory.run(
        'UPDATE path SET deriver = ? WHERE id = ?',
        deriver.slice('/nix/store/'.length),
        stranger,
      )
      this.#inventory.run('INSERT OR REPLACE INTO record VALUES (?, ?)', hashPart, stranger)
    }
  }

  /** Paths that go, and of which nobody has asked yet whether clients find them elsewhere. */
  *unasked(): Generator<{ id: number; path: StorePath | undefined }> {
    const rows = this.#inventory.each(
      'SELECT id, base, state FROM going JOIN path USING (id) WHERE elsewhere IS NULL',
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

  /** One step from what goes to what goes with it. @returns whether there was anything new */
  spread(): boolean {
    const referrers = this.#inventory.run(
      `INSERT OR IGNORE INTO going (id, because, content)
       SELECT reference.referrer, going.id, 0 FROM going JOIN reference ON reference.reference = going.id
       WHERE going.elsewhere = 0 AND reference.referrer <> reference.reference`,
    )
    const siblings = this.#inventory.run(
      `INSERT OR IGNORE INTO going (id, because, content)
       SELECT sibling.id, going.id, 0 FROM going JOIN path USING (id) JOIN path AS sibling ON sibling.deriver = path.deriver
       WHERE sibling.state IN (1, 4)`,
    )
    return referrers + siblings > 0
  }

  /** Puts every narinfo that goes into a layer: whatever refers to another one is in an earlier layer. */
  order(): void {
    // a narinfo that cannot be read comes after those that mean it
    this.#inventory.run(
      `INSERT INTO reference SELECT reference.referrer, stranger.id FROM going JOIN path AS stranger ON stranger.id = going.id
       JOIN path AS meant ON meant.base > stranger.base AND meant.base < stranger.base || '.'
       JOIN reference ON reference.reference = meant.id WHERE stranger.state = 4`,
    )
    for (let layer = 0; ; layer++) {
      const placed = this.#inventory.run(
        `UPDATE going SET layer = ?1 WHERE layer IS NULL AND NOT EXISTS (
           SELECT 1 FROM reference JOIN going AS referrer ON referrer.id = reference.referrer
           WHERE reference.reference = going.id AND referrer.id <> going.id AND (referrer.layer IS NULL OR referrer.layer = ?1))`,
        layer,
      )
      if (placed > 0) continue
      // what is left refers to itself in a circle, which no build can make: it goes last
      this.#inventory.run('UPDATE going SET layer = ? WHERE layer IS NULL', layer)
      return
    }
  }

  count(): number {
    return this.#inventory.count('SELECT count(*) FROM going')
  }

  /** The next requests, referrers first. Ask for the next one when this one is done: `keep` changes what is left. */
  next(): RepairRequest | undefined {
    const inventory = this.#inventory
    const ids = [
      ...inventory.each('SELECT id FROM going WHERE asked = 0 ORDER BY layer, id LIMIT ?', REPAIR_KEYS),
    ].map((row) => Number(row['id']))
    if (ids.length === 0) return undefined
    const list = ids.join(', ')
    inventory.run(`UPDATE going SET asked = 1 WHERE id IN (${list})`)
    // What leads from a key to what is at fault, and the outputs of the same builds.
    const evidence = this.#keys(
      `WITH RECURSIVE chain (id) AS (
         SELECT id FROM going WHERE id IN (${list})
         UNION SELECT going.because FROM chain JOIN going USING (id) WHERE going.because IS NOT NULL),
       wanted (id) AS (
         SELECT id FROM chain
         UNION SELECT sibling.id FROM path JOIN path AS sibling ON sibling.deriver = path.deriver
           WHERE path.id IN (${list}) AND sibling.state IN (1, 4))
       SELECT ${KEY} AS key, going.content FROM wanted JOIN path USING (id) LEFT JOIN going USING (id)
       WHERE path.id NOT IN (${list}) LIMIT ${REPAIR_EVIDENCE}`,
    )
    const keys = this.#keys(
      `SELECT ${KEY} AS key, going.content FROM going JOIN path USING (id) WHERE id IN (${list}) ORDER BY layer, id`,
    )
    const quarantined = this.#keys(
      `SELECT quarantined.hash_part || '.narinfo' AS key, 0 AS content FROM path JOIN quarantined USING (deriver)
       WHERE path.id IN (${list}) LIMIT ${REPAIR_EVIDENCE}`,
    )
    const named = new Set(keys.map(({ key }) => key))
    const others = [...evidence, ...quarantined]
      .filter(({ key }) => !named.has(key))
      .slice(0, REPAIR_EVIDENCE)
    return {
      keys: [...named],
      evidence: [...new Set(others.map(({ key }) => key))],
      content: [...keys, ...others].flatMap(({ key, content }) => (content ? [key] : [])),
      records: this.#records(list),
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
      `SELECT DISTINCT record.hash_part FROM record JOIN path AS stranger ON stranger.id = record.id
       WHERE stranger.deriver IN (SELECT deriver FROM path WHERE id IN (${list})) LIMIT ${REPAIR_EVIDENCE}`,
    )
    return [...rows].map((row) => String(row['hash_part']))
  }
}
