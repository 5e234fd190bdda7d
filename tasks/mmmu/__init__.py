"""MMMU: 30 college subjects, asked with pictures.

task.py says what it is and where its rows come from, question.py turns a row into a prompt with
pictures, verdict.py judges an answer and takes the mean, mini.py holds questions of our own.
"""

from pisces_eval.tasks.mmmu.task import Mmmu

TASK = Mmmu()
