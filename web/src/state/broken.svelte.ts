/** Whether the network of this page is broken on purpose. The page says so for as long as it is. */
class Broken {
  /** Ends it. */
  stop = $state.raw<(() => void) | undefined>();
}

export const broken = new Broken();
