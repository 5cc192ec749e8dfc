/** What the figures of planning agree on with their sides. */

export const CACHE = 'cache'
export const STATE = 'state'
/** of our cache in a world in which an upstream has everything */
export const EMPTY_CACHE = 'empty-cache'
export const RUN = 'bench'
export const LATENCY_MS = 20
