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
      // Numbers grow, and none is given twice, so that a body is appended, and never taken for one that was there before.
      'CREATE TABLE IF NOT EXISTS bodies (number INTEGER PRIMARY KEY AUTOINCREMENT, bytes BLOB NOT NULL)',
    )
    this.#database = database
    this.#statements = {
      add: database.prepare('INSERT INTO bodies (bytes) VALUES (?)'),
      get: database.prepare('SELECT bytes FROM bodies WHERE number = ?'),
      remove: database.prepare('DELETE FROM bodies WHERE number = ?'),
      numbers: database.prepare('SELECT number FROM bodies'),
    }
  }

  /** @returns the body's number */
  add(bytes: Uint8Array): number {
    return Number(this.#statements.add.run(bytes).lastInsertRowid)
  }

  /** Undefined when there is no such body. */
  get(number: number): Buffer | undefined {
    const bytes = this.#statements.get.get(number)?.['bytes']
    return bytes instanceof Uint8Array ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) : undefined
  }

  remove(number: number): void {
    this.#statements.remove.run(number)
  }

  numbers(): number[] {
    return this.#statements.numbers.all().map((row) => Number(row['number']))
  }

  close(): void {
    this.#database.close()
  }
}
