"""What the commands do, as functions that return or yield plain results; nothing here prints.

``echo`` is the tour: ``target``, ``connect``, ``echo``, ``results``, ``diagnosis`` stand here, and every other command
has a folder of its own beside them:

    storing      store: the plan, sending, outcomes        files        where objects come from
    conversion   another transfer syntax                   querying     find: keys and answers
    retrieving   move and get                              listening    listen: who may, what is kept, who is told
    archiving    query and retrieve services of listen --archive
"""
