import type { Machine } from './project.ts'

/** Builds wait here for a place on their machine, first come, first served. */
export interface MachineQueue {
  /**
   * Resolves with the way to give the place back.
   * @param signal aborts the wait: the promise then rejects with its reason
   */
  take(machine: Machine, signal: AbortSignal): Promise<() => void>
}

export function createMachineQueue(): MachineQueue {
  const taken = new Map<string, number>()
  const waiting = new Map<string, (() => void)[]>()

  const giveBack = (machine: Machine): void => {
    const next = waiting.get(machine.name)?.shift()
    // The place goes on to whoever waits, and is never free in between.
    if (next === undefined) taken.set(machine.name, (taken.get(machine.name) ?? 1) - 1)
    else next()
  }

  return {
    take(machine, signal) {
      const release = (): void => giveBack(machine)
      const inUse = taken.get(machine.name) ?? 0
      if (inUse < (machine.places ?? 1)) {
        taken.set(machine.name, inUse + 1)
        return Promise.resolve(release)
      }
      return new Promise((resolve, reject) => {
        const queue = waiting.get(machine.name) ?? []
        waiting.set(machine.name, queue)
        const enter = (): void => {
          signal.removeEventListener('abort', leave)
          resolve(release)
        }
        const leave = (): void => {
          queue.splice(queue.indexOf(enter), 1)
          reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)))
        }
        queue.push(enter)
        signal.addEventListener('abort', leave, { once: true })
      })
    },
  }
}
