import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Bodies of a few kilobytes, in one file: to open, write and close a file of its own takes several times as long as everything else about such an object. */
export class SmallBodies {
  readonly #database: DatabaseSync
  readonly #statements

  /** @throws when another process has the folder open */
  constructor(folder: string) {
    const database = new DatabaseSync(join(folder, 'small.sqlite'))
    // As for the index: a kill loses nothing that was answered; a power cut may.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF')
    database.exec(
      'CREATE TABLE IF NOT EXISTS bodies (name TEXT PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID',
    )
    this.#database = database
    this.#statements = {
      add: database.prepare('INSERT INTO bodies VALUES (?, ?)'),
      get: database.prepare('SELECT bytes FROM bodies WHERE name = ?'),
      remove: database.prepare('DELETE FROM bodies WHERE name = ?'),
      names: database.prepare('SELECT name FROM bodies'),
    }
  }

  add(name: string, bytes: Uint8Array): void {
    this.#statements.add.run(name, bytes)
  }

  /** Undefined when there is no such body. */
  get(name: string): Buffer | undefined {
    const bytes = this.#statements.get.get(name)?.['bytes']
    return bytes instanceof Uint8Array ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) : undefined
  }

  remove(name: string): void {
    this.#statements.remove.run(name)
  }

  names(): string[] {
    return this.#statements.names.all().map((row) => String(row['name']))
  }

  close(): void {
    this.#database.close()
  }
}
