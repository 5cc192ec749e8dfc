/** An event as EventBridge hands it to the targets of rules. Source: EventBridge user guide, "Event structure". */
export type BusEvent = Record<string, unknown>

/** The account's default event bus, as far as others than AWS put events on it. */
export interface EventBus {
  /** hands an event to everybody who listens */
  put(event: BusEvent): void
  onEvent(listener: (event: BusEvent) => void): void
}

export function createEventBus(): EventBus {
  const listeners: ((event: BusEvent) => void)[] = []
  return {
    put(event) {
      for (const listener of listeners) listener(event)
    },
    onEvent(listener) {
      listeners.push(listener)
    },
  }
}
