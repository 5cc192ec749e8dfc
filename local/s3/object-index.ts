import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import {
  toObject,
  toPart,
  toUpload,
  type Part,
  type Row,
  type StoredObject,
  type Tag,
  type Upload,
} from './records.ts'

/** A stretch of sorted keys. There is one lower bound only: of two, SQLite seeks to one and steps through to the other. */
export interface KeyRange {
  from: string
  /** whether `from` itself is in the range */
  inclusive: boolean
  /** exclusive; undefined for the end */
  before: string | undefined
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, created INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL, key TEXT NOT NULL, etag TEXT NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
    file TEXT NOT NULL, attributes TEXT NOT NULL, checksum TEXT, tags TEXT NOT NULL,
    PRIMARY KEY (bucket, key)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS objects_by_file ON objects (file);
  CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, initiated INTEGER NOT NULL,
    attributes TEXT NOT NULL, tags TEXT NOT NULL, algorithm TEXT) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL, number INTEGER NOT NULL, etag TEXT NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
    file TEXT NOT NULL, checksum TEXT,
    PRIMARY KEY (upload, number)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS parts_by_file ON parts (file);
`

/**
 * What is in the buckets, on disk and sorted by key. Every method is synchronous: whoever looks, decides and writes without awaiting in
 * between decides atomically, which is what conditional writes need. A kill loses nothing that was answered; a power cut may.
 */
export class ObjectIndex {
  private readonly database: DatabaseSync
  private readonly statements = new Map<string, StatementSync>()

  /** @throws when another process has the folder open */
  constructor(folder: string) {
    const file = join(folder, 'index.sqlite')
    this.database = new DatabaseSync(file)
    try {
      // Exclusive: a second server on the same folder would sweep away the bodies that the first is writing.
      this.database.exec(
        'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF',
      )
      this.database.exec(SCHEMA)
    } catch (error) {
      this.database.close()
      throw new Error(`cannot open ${file}: another local stack may be using the folder; stop it first`, {
        cause: error,
      })
    }
  }

  close(): void {
    this.database.close()
  }

  /** @returns false when it existed already */
  createBucket(name: string, created: number): boolean {
    return this.run('INSERT OR IGNORE INTO buckets VALUES (?, ?)', name, created) === 1
  }

  hasBucket(name: string): boolean {
    return this.one('SELECT 1 FROM buckets WHERE name = ?', name) !== undefined
  }

  buckets(): { name: string; created: number }[] {
    return this.all('SELECT name, created FROM buckets ORDER BY name').map((row) => ({
      name: String(row['name']),
      created: Number(row['created']),
    }))
  }

  object(bucket: string, key: string): StoredObject | undefined {
    const row = this.one('SELECT * FROM objects WHERE bucket = ? AND key = ?', bucket, key)
    return row === undefined ? undefined : toObject(row)
  }

  putObject(bucket: string, object: StoredObject): void {
    this.run(
      'INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      bucket,
      object.key,
      object.etag,
      object.size,
      object.modified,
      object.file,
      JSON.stringify(object.attributes),
      object.checksum === undefined ? null : JSON.stringify(object.checksum),
      JSON.stringify(object.tags),
    )
  }

  deleteObject(bucket: string, key: string): void {
    this.run('DELETE FROM objects WHERE bucket = ? AND key = ?', bucket, key)
  }

  setTags(bucket: string, key: string, tags: Tag[]): void {
    this.run('UPDATE objects SET tags = ? WHERE bucket = ? AND key = ?', JSON.stringify(tags), bucket, key)
  }

  /** The first `limit` objects in the range, sorted by the bytes of their keys. */
  page(
    bucket: string,
    range: KeyRange,
    limit: number,
  ): Pick<StoredObject, 'key' | 'etag' | 'size' | 'modified'>[] {
    const bounds = ['bucket = ?', range.inclusive ? 'key >= ?' : 'key > ?']
    const values: SQLInputValue[] = [bucket, range.from]
    if (range.before !== undefined) {
      bounds.push('key < ?')
      values.push(range.before)
    }
    const rows = this.all(
      `SELECT key, etag, size, modified FROM objects WHERE ${bounds.join(' AND ')} ORDER BY key LIMIT ?`,
      ...values,
      limit,
    )
    return rows.map((row) => ({
      key: String(row['key']),
      etag: String(row['etag']),
      size: Number(row['size']),
      modified: Number(row['modified']),
    }))
  }

  createUpload(upload: Upload): void {
    this.run(
      'INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?, ?)',
      upload.id,
      upload.bucket,
      upload.key,
      upload.initiated,
      JSON.stringify(upload.attributes),
      JSON.stringify(upload.tags),
      upload.algorithm ?? null,
    )
  }

  upload(id: string): Upload | undefined {
    const row = this.one('SELECT * FROM uploads WHERE id = ?', id)
    return row === undefined ? undefined : toUpload(row)
  }

  /** The uploads in progress, by key and then by age. */
  uploads(bucket: string, prefix: string): Upload[] {
    const rows = this.all('SELECT * FROM uploads WHERE bucket = ? ORDER BY key, initiated, id', bucket)
    return rows.map(toUpload).filter((upload) => upload.key.startsWith(prefix))
  }

  part(upload: string, number: number): Part | undefined {
    const row = this.one('SELECT * FROM parts WHERE upload = ? AND number = ?', upload, number)
    return row === undefined ? undefined : toPart(row)
  }

  parts(upload: string): Part[] {
    return this.all('SELECT * FROM parts WHERE upload = ? ORDER BY number', upload).map(toPart)
  }

  putPart(upload: string, part: Part): void {
    this.run(
      'INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)',
      upload,
      part.number,
      part.etag,
      part.size,
      part.modified,
      part.file,
      part.checksum ?? null,
    )
  }

  deleteUpload(id: string): void {
    this.transaction(() => {
      this.run('DELETE FROM parts WHERE upload = ?', id)
      this.run('DELETE FROM uploads WHERE id = ?', id)
    })
  }

  /** Makes an upload an object, in one step. */
  completeUpload(id: string, bucket: string, object: StoredObject): void {
    this.transaction(() => {
      this.putObject(bucket, object)
      this.run('DELETE FROM parts WHERE upload = ?', id)
      this.run('DELETE FROM uploads WHERE id = ?', id)
    })
  }

  /** Whether any object or part has this body; a copy shares its source's. */
  isNamed(file: string): boolean {
    const row = this.one(
      'SELECT 1 FROM objects WHERE file = ? UNION ALL SELECT 1 FROM parts WHERE file = ? LIMIT 1',
      file,
      file,
    )
    return row !== undefined
  }

  private transaction(work: () => void): void {
    this.database.exec('BEGIN')
    try {
      work()
      this.database.exec('COMMIT')
    } catch (error) {
      this.database.exec('ROLLBACK')
      throw error
    }
  }

  private one(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.prepared(sql).get(...values) as Row | undefined
  }

  private all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.prepared(sql).all(...values) as Row[]
  }

  private run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.prepared(sql).run(...values).changes)
  }

  private prepared(sql: string): StatementSync {
    const known = this.statements.get(sql)
    if (known !== undefined) return known
    const statement = this.database.prepare(sql)
    this.statements.set(sql, statement)
    return statement
  }
}
