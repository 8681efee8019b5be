#pragma once
#include "Clique.h"

// Ranks that are in several processes: what one gives another lies in a file in shared memory from its arrival until the other has taken it. Their folder is
// named by the unique id; who has joined has a file there.
namespace emulation::nccl::mailbox {

/// Makes the folder of an id.
void open(const std::string& id);

/// Whether an id was made, by whatever process, and is still of use.
bool isOpen(const std::string& id);

/// Says that a rank has joined.
void join(const std::string& id, int rank);

bool hasJoined(const std::string& id, int rank);

/// A rank is gone; with the last one goes the folder, as far as it is empty.
void leave(const std::string& id, int rank);

/// Queues what a rank has called on its stream, which goes on by itself: nobody in this process may wait for it.
void launch(Communicator& communicator, const std::vector<Call>& calls, Stream& stream, std::function<Obstacle()> delay);

}
