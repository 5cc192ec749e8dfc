import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { cacheKeys } from '../../../functions/shared/keys.ts'
import type { NamedNar } from '../../../functions/shared/verification/check-narinfo.ts'
import { type Fault, FAULT_NAMES, type FaultName } from '../../../functions/shared/verification/fault.ts'
import type { NarInfo } from '../../../nix/narinfo.ts'
import { baseNameOf, fromBaseName, type StorePath } from '../../../nix/store-path.ts'

/**
 * `path.state`. A path is ABSENT from the time something refers to it until its narinfo is seen or it is found elsewhere; UNREADABLE stands
 * for a narinfo of which no path is known, and its `base` is then the bare hash part.
 */
const STATE = { absent: 0, here: 1, elsewhere: 2, unanswered: 3, unreadable: 4 } as const

const SCHEMA = `
  CREATE TABLE path (
    id INTEGER PRIMARY KEY, base TEXT NOT NULL UNIQUE, state INTEGER NOT NULL,
    nar TEXT, size INTEGER, deriver TEXT, modified INTEGER);
  CREATE TABLE reference (referrer INTEGER NOT NULL, reference INTEGER NOT NULL);
  CREATE TABLE nar (hash TEXT PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE quarantined (hash_part TEXT PRIMARY KEY, nar TEXT, deriver TEXT) WITHOUT ROWID;
  CREATE TABLE fault (key TEXT NOT NULL, fault TEXT NOT NULL, detail TEXT NOT NULL);
`

export interface NamedPath {
  id: number
  path: StorePath
}

/**
 * What a cache bucket has, in a temporary SQLite file: paths, their references, NARs, faults.
 *
 * Why a database and not a merge of sorted streams: the bucket is looked at in three orders. NARs are joined with narinfos by file hash, references
 * with paths by name, and a repair walks references backwards; each would be an external sort of its own, and the join of narinfos and NARs alone
 * would not find the closure. SQLite does these sorts and joins within a page cache of a fixed size.
 *
 * Numbers: a million paths with 10 references each take a file of 590 MiB and the page cache (64 MiB); the process had 340 MiB, and 405 while an index was
 * sorted, the same as with 300,000 paths. Each path costs 0.1 ms of CPU here, and 1.3 ms in the SDK. The file is written in one transaction that is never
 * committed: nothing of it outlives the process.
 */
export class Inventory {
  readonly database: DatabaseSync
  readonly #folder: string
  readonly #statements = new Map<string, StatementSync>()
  readonly #indexed = new Set<string>()

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'hearth-verify-'))
    this.database = new DatabaseSync(join(this.#folder, 'inventory.sqlite'))
    this.database.exec(
      'PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -65536; PRAGMA temp_store = FILE',
    )
    this.database.exec(SCHEMA)
    this.database.exec('BEGIN')
  }

  close(): void {
    this.database.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** A narinfo that lies in the bucket; without `info` nobody can use it. */
  addNarInfo(
    hashPart: string,
    { info, nar }: { info: NarInfo | undefined; nar: NamedNar | undefined },
    modified: Date,
  ): void {
    const id = this.#addPath(
      info === undefined ? hashPart : baseNameOf(info.storePath),
      info === undefined ? STATE.unreadable : STATE.here,
    )
    this.run(
      'UPDATE path SET nar = ?, size = ?, deriver = ?, modified = ? WHERE id = ?',
      nar?.fileHash ?? null,
      nar?.fileSize ?? null,
      info?.deriver === undefined ? null : baseNameOf(info.deriver),
      modified.getTime(),
      id,
    )
    for (const reference of info?.references ?? [])
      this.run('INSERT INTO reference VALUES (?, ?)', id, this.#addPath(baseNameOf(reference), STATE.absent))
  }

  addNar(fileHash: string, size: number, modified: Date): void {
    this.run('INSERT INTO nar VALUES (?, ?, ?)', fileHash, size, modified.getTime())
  }

  /** A narinfo that was moved out of clients' sight: its NAR, and its build's other outputs. */
  addQuarantined(hashPart: string, nar: NamedNar | undefined, deriver: StorePath | undefined): void {
    this.run(
      'INSERT OR REPLACE INTO quarantined VALUES (?, ?, ?)',
      hashPart,
      nar?.fileHash ?? null,
      deriver === undefined ? null : baseNameOf(deriver),
    )
  }

  addFaults(faults: Iterable<Fault>): void {
    for (const { key, fault, detail } of faults)
      this.run('INSERT INTO fault VALUES (?, ?, ?)', key, fault, detail)
  }

  /** Paths that something refers to and that are not here, by hash part. */
  *absentReferences(): Generator<NamedPath> {
    // `+base`: these few are sorted, instead of all paths being fetched in the order of the index
    const rows = this.each('SELECT id, base FROM path WHERE state = ? ORDER BY +base', STATE.absent)
    for (const row of rows) yield { id: Number(row['id']), path: fromBaseName(String(row['base'])) }
  }

  absentReferenceCount(): number {
    return this.count('SELECT count(*) FROM path WHERE state = ?', STATE.absent)
  }

  /** Of a path that was absent: whether clients find it all the same, or nobody knows. */
  found(id: number, where: 'elsewhere' | 'unanswered'): void {
    this.run('UPDATE path SET state = ? WHERE id = ?', STATE[where], id)
  }

  /** Makes a fault of every reference that no client finds, and of every one of which nobody knows. */
  addClosureFaults(): void {
    this.#addReferenceFaults(
      STATE.absent,
      'closure-incomplete',
      ' is neither in the cache nor in a declared upstream',
    )
    this.#addReferenceFaults(
      STATE.unanswered,
      'upstream-unavailable',
      ' is not in the cache, and an upstream that may have it did not answer',
    )
  }

  #addReferenceFaults(state: number, fault: FaultName, text: string): void {
    // without any, there is no need to go through all references
    if (this.count('SELECT count(*) FROM path WHERE state = ?', state) === 0) return
    this.run(
      `INSERT INTO fault SELECT substr(referrer.base, 1, 32) || '.narinfo', ?, '/nix/store/' || path.base || ?
       FROM reference JOIN path ON path.id = reference.reference JOIN path AS referrer ON referrer.id = reference.referrer
       WHERE path.state = ?`,
      fault,
      text,
      state,
    )
  }

  /** Narinfos whose NAR the listing did not show with their FileSize. */
  *narsToConfirm(): Generator<{ key: string; nar: string; fileSize: number }> {
    const rows = this.each(
      `SELECT path.base, path.nar, path.size FROM path LEFT JOIN nar ON nar.hash = path.nar
       WHERE path.nar IS NOT NULL AND (nar.size IS NULL OR nar.size <> path.size)`,
    )
    for (const row of rows)
      yield {
        key: keyOf(row['base']),
        nar: cacheKeys.nar(String(row['nar'])),
        fileSize: Number(row['size']),
      }
  }

  /**
   * NARs that no narinfo names. Of these, those of quarantined narinfos wait for retention, and those that are newer than `before` may belong
   * to a derivation that is being published: neither is a fault.
   */
  addOrphanFaults(before: Date): { quarantined: number; inProgress: number } {
    this.index('path', 'nar')
    this.index('quarantined', 'nar')
    const orphans =
      'FROM nar WHERE NOT EXISTS (SELECT 1 FROM path WHERE path.nar = nar.hash)' +
      ' AND modified < ? AND NOT EXISTS (SELECT 1 FROM quarantined WHERE quarantined.nar = nar.hash)'
    this.run(
      `INSERT INTO fault SELECT 'nar/' || hash || '.nar.zst', 'orphan-nar', size || ' bytes that no narinfo names' ${orphans}`,
      before.getTime(),
    )
    const unnamed = 'SELECT count(*) FROM nar WHERE NOT EXISTS (SELECT 1 FROM path WHERE path.nar = nar.hash)'
    const isQuarantined = 'EXISTS (SELECT 1 FROM quarantined WHERE quarantined.nar = nar.hash)'
    return {
      quarantined: this.count(`${unnamed} AND ${isQuarantined}`),
      inProgress: this.count(`${unnamed} AND NOT ${isQuarantined} AND modified >= ?`, before.getTime()),
    }
  }

  /** Outputs that stayed behind when others of their build were quarantined; not those that may be being published right now. */
  addOutputsApartFaults(before: Date): void {
    this.index('path', 'deriver')
    this.run(
      `INSERT INTO fault SELECT substr(path.base, 1, 32) || '.narinfo', 'outputs-apart',
         quarantined.hash_part || '.narinfo is of the same build (' || path.deriver || '), and was quarantined'
       FROM quarantined JOIN path ON path.deriver = quarantined.deriver
       WHERE path.state = ${STATE.here} AND path.modified < ?
       AND NOT EXISTS (SELECT 1 FROM path AS back WHERE back.base > quarantined.hash_part || '-' AND back.base < quarantined.hash_part || '.'
         AND back.state = ${STATE.here})`,
      before.getTime(),
    )
  }

  /** Every path whose NAR can be looked into. */
  *paths(): Generator<NamedPath> {
    const rows = this.each('SELECT id, base FROM path WHERE state = ? AND nar IS NOT NULL', STATE.here)
    for (const row of rows) yield { id: Number(row['id']), path: fromBaseName(String(row['base'])) }
  }

  pathCount(): number {
    return this.count('SELECT count(*) FROM path WHERE state = ? AND nar IS NOT NULL', STATE.here)
  }

  /** Everything that a path refers to, directly or not, as far as our own narinfos tell. */
  closureOf(id: number): StorePath[] {
    this.index('reference', 'referrer')
    const rows = this.each(
      `WITH RECURSIVE closure (id) AS (
         SELECT reference FROM reference WHERE referrer = ?1
         UNION SELECT reference.reference FROM closure JOIN reference ON reference.referrer = closure.id)
       SELECT base FROM path JOIN closure ON closure.id = path.id WHERE path.id <> ?1`,
      id,
    )
    return [...rows].map((row) => fromBaseName(String(row['base'])))
  }

  /** Everything that was found, by key. */
  *faults(): Generator<Fault> {
    for (const row of this.each('SELECT * FROM fault ORDER BY key, fault, detail'))
      yield { fault: row['fault'] as FaultName, key: String(row['key']), detail: String(row['detail']) }
  }

  /** How many of each kind; kinds that do not occur are left out. */
  faultCounts(): Partial<Record<FaultName, number>> {
    const rows = [...this.each('SELECT fault, count(*) AS number FROM fault GROUP BY fault')]
    const counts = new Map(rows.map((row) => [String(row['fault']), Number(row['number'])]))
    return Object.fromEntries(
      FAULT_NAMES.flatMap((name) => (counts.has(name) ? [[name, counts.get(name)]] : [])),
    )
  }

  /** Makes an index when it is first needed: one sort, instead of an update at every insertion. */
  index(table: string, column: string): void {
    const name = `${table}_by_${column}`
    if (this.#indexed.has(name)) return
    this.database.exec(`CREATE INDEX ${name} ON ${table} (${column})`)
    this.#indexed.add(name)
  }

  run(sql: string, ...parameters: SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...parameters).changes)
  }

  count(sql: string, ...parameters: SQLInputValue[]): number {
    const row = this.#prepare(sql).get(...parameters)
    return Number(Object.values(row ?? {})[0] ?? 0)
  }

  /** Rows one by one: a statement of its own, because the same one cannot be at two places. */
  each(sql: string, ...parameters: SQLInputValue[]): IterableIterator<Record<string, unknown>> {
    return this.database.prepare(sql).iterate(...parameters) as IterableIterator<Record<string, unknown>>
  }

  #addPath(base: string, state: number): number {
    const known = this.#prepare('SELECT id FROM path WHERE base = ?').get(base)?.['id']
    if (known === undefined)
      return Number(
        this.#prepare('INSERT INTO path (base, state) VALUES (?, ?)').run(base, state).lastInsertRowid,
      )
    if (state !== STATE.absent) this.run('UPDATE path SET state = ? WHERE id = ?', state, known)
    return Number(known)
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

function keyOf(base: unknown): string {
  return cacheKeys.narinfo(String(base).slice(0, 32))
}
