/** Whether the network of this page is broken on purpose. The page says so for as long as it is. */
class Broken {
  /** Ends it, and says so in words for those who listen. */
  stop = $state.raw<(() => string) | undefined>();
}

export const broken = new Broken();
