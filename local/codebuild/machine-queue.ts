import type { Machine } from './project.ts'

/** A place for a build on one of its project's machines. */
export interface Place {
  machine: Machine
  /** gives the place back */
  release: () => void
}

/** Builds wait here for a place on one of their machines, first come, first served. */
export interface MachineQueue {
  /**
   * @param machines any of which will do
   * @param signal aborts the wait: the promise then rejects with its reason
   */
  take(machines: Machine[], signal: AbortSignal): Promise<Place>
}

interface Waiting {
  machines: Machine[]
  enter: (machine: Machine) => void
}

export function createMachineQueue(): MachineQueue {
  const inUse = new Map<string, number>()
  const waiting: Waiting[] = []

  const placeOn = (machine: Machine): Place => {
    inUse.set(machine.name, (inUse.get(machine.name) ?? 0) + 1)
    return { machine, release: () => giveBack(machine) }
  }

  const giveBack = (machine: Machine): void => {
    inUse.set(machine.name, (inUse.get(machine.name) ?? 1) - 1)
    const next = waiting.findIndex(({ machines }) => machines.some(({ name }) => name === machine.name))
    const [first] = next < 0 ? [] : waiting.splice(next, 1)
    first?.enter(machine)
  }

  return {
    take(machines, signal) {
      const free = machines.find(({ name, places = 1 }) => (inUse.get(name) ?? 0) < places)
      if (free !== undefined) return Promise.resolve(placeOn(free))
      return new Promise((resolve, reject) => {
        const entry: Waiting = {
          machines,
          enter: (machine) => {
            signal.removeEventListener('abort', leave)
            resolve(placeOn(machine))
          },
        }
        const leave = (): void => {
          waiting.splice(waiting.indexOf(entry), 1)
          reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)))
        }
        waiting.push(entry)
        signal.addEventListener('abort', leave, { once: true })
      })
    },
  }
}
