/** Something to do: news are an edit, or a change on the server; network, that it may be back. */
export type Reason = "news" | "network";

/** A timer that can be woken up early. A ring is kept until `reset`, so that none is missed before `wait`. */
export class Alarm {
  readonly #rung = new Set<Reason>();
  #check: () => void = () => undefined;

  reset(): void {
    this.#rung.clear();
  }

  ring(reason: Reason): void {
    this.#rung.add(reason);
    this.#check();
  }

  /** Waits for this many milliseconds, or until it rings for one of the reasons. */
  wait(milliseconds: number, reasons: Reason[]): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#check = () => {
        if (reasons.some((reason) => this.#rung.has(reason))) {
          clearTimeout(timer);
          resolve();
        }
      };
      this.#check();
    });
  }
}
