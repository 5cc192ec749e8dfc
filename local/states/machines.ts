import type { MachineRecord, Store } from './store.ts'

/** The state machines. One that is deleted while executions run is DELETING until the last of them has ended. */
export class Machines {
  readonly #records = new Map<string, MachineRecord>()
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
    const known = store.machines().sort((a, b) => a.creationDate - b.creationDate)
    for (const record of known) this.#records.set(record.arn, record)
  }

  get(arn: string): MachineRecord | undefined {
    return this.#records.get(arn)
  }

  all(): MachineRecord[] {
    return [...this.#records.values()]
  }

  save(record: MachineRecord): void {
    this.#records.set(record.arn, record)
    this.#store.saveMachine(record)
  }

  delete(record: MachineRecord, isIdle: boolean): void {
    if (!isIdle) return this.save({ ...record, status: 'DELETING' })
    this.#records.delete(record.arn)
    this.#store.removeMachine(record.name)
  }

  /** Carries out a deletion that waited for this. */
  idle(arn: string): void {
    const record = this.#records.get(arn)
    if (record?.status === 'DELETING') this.delete(record, true)
  }
}
