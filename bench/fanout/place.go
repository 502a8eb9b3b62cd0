package fanout

import "math"

// Habits are what is assumed of people; nothing of it was measured.
type Habits struct {
	Connections float64
	Every       float64 // seconds between two messages of a person
	Readers     float64 // who are connected and have the room of a message open
	Open        float64 // rooms that a connection has open
	Stay        float64 // seconds of a connection
}

// Machines are what there is to buy.
type Machines struct {
	Crowd       float64 // connections of a node
	Cores       float64 // of a node
	Database    float64 // cores of a PostgreSQL
	Full        float64 // how busy any of them should be at most
	Carried     bool    // small events ride in the hints
	IndexSpread bool    // indexes for search are by rooms, on as many nodes as it takes
	PresentNear bool    // presence is told to those who ask for somebody, not to all
}

// Place is what that comes to, each second if nothing else is said.
type Place struct {
	Messages, Deliveries float64
	Nodes                float64
	Reached              float64 // nodes that a message goes to, on average
	NodeCores            float64 // in use, by all nodes
	Statements, Fetches  float64
	Committing, Fetching float64 // PostgreSQL's cores in use
	Checking, Indexing   float64 // likewise
	Indexes              float64 // for search
	IndexCore            float64 // that one of them needs; it has one
	IndexStatements      float64 // of all
	Databases            float64 // PostgreSQL instances over which rooms are to be spread
	WAL                  float64 // bytes
	Notes                float64 // handed out by NATS: hints
	Stored               float64 // handed out by NATS: where something is new
	Moves                float64 // people who come or go, told to all nodes
	Company              float64 // statements that find who shares a room with somebody who comes or goes, at each node
	Known                float64 // bytes of a node's memory for who is elsewhere
	Followed             float64 // events that each index for search follows
}

const (
	storedNotes  = 10.0 // a second, at most, of each node
	indexes      = 2.0  // nodes that keep an index for search
	hearers      = 3.0  // nodes that hear where something is new: these, and who makes hooks and alerts
	knownBytes   = 175  // a person who is elsewhere, in memory: BenchmarkPresence
	checkSeconds = 1.0
	maxDrafts    = 512
)

// reached is on how many of n nodes somebody is of so many who are spread by chance.
func reached(n, readers float64) float64 { return n * (1 - math.Pow(1-1/n, readers)) }

// Place does the arithmetic.
func (c Costs) Place(h Habits, m Machines) Place {
	var p Place
	p.Messages = h.Connections / h.Every
	p.Deliveries = p.Messages * h.Readers
	p.Nodes = math.Ceil(h.Connections / m.Crowd)
	for { // until they are not too busy
		p.Reached = reached(p.Nodes, h.Readers)
		p.NodeCores = c.nodes(p, m)
		if p.NodeCores <= p.Nodes*m.Cores*m.Full || p.Nodes > 1e6 {
			break
		}
		p.Nodes = math.Ceil(max(p.Nodes*1.05, p.NodeCores/(m.Cores*m.Full)))
	}
	away := max(0, p.Reached-p.Reached/p.Nodes) // the sender's own node needs no hint
	group := min(maxDrafts, max(1, p.Messages/p.Nodes*(c.Disk+c.Commit)/1000))
	if !m.Carried {
		p.Fetches = p.Messages * away
	}
	p.Statements = p.Messages/group*c.Statements + p.Fetches
	p.Committing = p.Messages * (c.Commit/group + c.Message) / 1000
	p.Fetching = p.Fetches * c.Fetch / 1000
	live := reached(p.Nodes, h.Readers) * h.Connections * h.Open / h.Readers // rooms that are live, of all nodes
	p.Checking = live / checkSeconds * c.Check / 1000
	p.Notes = p.Messages * away
	p.WAL = p.Messages * c.WAL
	p.Stored = min(storedNotes, p.Messages/p.Nodes) * p.Nodes * min(hearers, p.Nodes-1)
	p.Indexes = indexes
	if m.IndexSpread { // each as busy as the rest
		p.Indexes *= math.Ceil(p.Messages * c.Index / 1000 / m.Full)
	}
	p.Followed = p.Messages * indexes / p.Indexes
	p.IndexCore = p.Followed * c.Index / 1000
	p.Indexing = p.Messages * indexes * c.IndexRead / 1000
	p.IndexStatements = p.Messages * indexes * c.IndexStatements
	p.Statements += p.IndexStatements
	if !m.PresentNear {
		p.Company = 2 * h.Connections / h.Stay * p.Nodes
		p.Statements += p.Company
		p.Moves = 2 * h.Connections / h.Stay * (p.Nodes - 1)
		p.Known = h.Connections * knownBytes
	}
	p.Databases = math.Ceil((p.Committing + p.Fetching + p.Checking + p.Indexing) / (m.Database * m.Full))
	return p
}

// nodes returns the cores that all nodes use.
func (c Costs) nodes(p Place, m Machines) float64 {
	hear := c.Hear
	if m.Carried {
		hear /= 2
	}
	return (p.Messages*(c.Post+p.Reached*hear+indexes*c.Index) + p.Deliveries*(c.Write+c.Frame)) / 1000
}
